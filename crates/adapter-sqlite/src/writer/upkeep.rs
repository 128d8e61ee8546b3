//! What the writer does beside writing: copy the log into the file, forget keys, clear away
//! deleted rooms.

use super::Ledger;
use campanile_core::time::Timestamp;
use sqlx::{Error, query, query_scalar};

/// Rows in the log beyond which it is copied into the file, so that it does not grow for ever.
const LOG_ROWS_MAX: usize = 8_192;

/// Keys written beyond which old ones are forgotten.
const KEYS_WRITTEN_MAX: usize = 1_024;

/// Keys looked at in one go: more than are written between two, so that old ones do not heap up.
const KEYS_FORGOTTEN_MAX: i64 = 4_096;

/// Rows of a deleted room removed in one go, so that nobody waits long for it.
const GRAVE_ROWS: i64 = 1_000;

/// What has become necessary; called after each batch, when everyone has been answered.
pub(super) async fn keep_up(ledger: &mut Ledger, now: Timestamp) -> Result<(), Error> {
    if ledger.keys_written >= KEYS_WRITTEN_MAX {
        forget_keys(ledger, now).await?;
    }
    if ledger.graves {
        dig(ledger).await?;
    }
    if ledger.rows_in_log >= LOG_ROWS_MAX {
        copy_log(ledger).await?;
    }
    Ok(())
}

/// Copies as much of the log into the file as no reader needs any more.
pub(super) async fn copy_log(ledger: &mut Ledger) -> Result<(), Error> {
    query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(ledger.connection()).await?;
    ledger.rows_in_log = 0;
    Ok(())
}

async fn forget_keys(ledger: &mut Ledger, now: Timestamp) -> Result<(), Error> {
    let window_start = ledger.window_start(now);
    let forgotten = query(
        "DELETE FROM keys WHERE id IN (SELECT id FROM \
         (SELECT id, at FROM keys ORDER BY id LIMIT ?1) WHERE at < ?2)",
    )
    .bind(KEYS_FORGOTTEN_MAX)
    .bind(window_start.0)
    .execute(ledger.connection())
    .await?;
    ledger.keys_written = 0;
    ledger.rows_in_log += forgotten.rows_affected() as usize;
    Ok(())
}

/// Removes some rows of a deleted room, and its grave once there are no more.
async fn dig(ledger: &mut Ledger) -> Result<(), Error> {
    let grave: Option<i64> = query_scalar("SELECT room_id FROM graves LIMIT 1")
        .fetch_optional(ledger.connection())
        .await?;
    let Some(room_id) = grave else {
        ledger.graves = false;
        return Ok(());
    };
    let portions = [
        "DELETE FROM messages WHERE room_id = ?1 AND seq IN \
         (SELECT seq FROM messages WHERE room_id = ?1 ORDER BY seq LIMIT ?2)",
        "DELETE FROM reactions WHERE room_id = ?1 AND (seq, place) IN \
         (SELECT seq, place FROM reactions WHERE room_id = ?1 ORDER BY seq, place LIMIT ?2)",
        "DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE room_id = ?1 LIMIT ?2)",
    ];
    for portion in portions {
        let removed =
            query(portion).bind(room_id).bind(GRAVE_ROWS).execute(ledger.connection()).await?;
        if removed.rows_affected() > 0 {
            ledger.rows_in_log += removed.rows_affected() as usize;
            return Ok(());
        }
    }
    query("DELETE FROM graves WHERE room_id = ?1")
        .bind(room_id)
        .execute(ledger.connection())
        .await?;
    Ok(())
}
