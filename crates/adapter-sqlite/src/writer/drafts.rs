//! Drafts in the database: rows of messages, and the keys under which they were sent.

use super::{Append, Ledger};
use crate::{
    rows::{Columns, seq_number},
    shapes::Shapes,
};
use campanile_core::{
    message::{Message, Sequence},
    time::Timestamp,
};
use sqlx::Error;
use std::{collections::HashMap, sync::LazyLock};

/// When a key was used, and for which message.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub(super) id: i64,
    pub(super) seq: Sequence,
    pub(super) at: Timestamp,
}

/// A message and its room in the database.
pub(super) struct Row<'a> {
    pub(super) room_id: i64,
    pub(super) message: &'a Message,
}

/// Which of the drafts have a key that was used, by their place.
pub(super) async fn find_keys(
    ledger: &mut Ledger,
    appends: &[Append],
) -> Result<HashMap<usize, Used>, Error> {
    static FIND: LazyLock<Shapes> = LazyLock::new(|| {
        let find = "SELECT v.column1, k.id, k.seq, k.at FROM ROWS v CROSS JOIN keys k \
             ON k.room_id = v.column2 AND k.sender = v.column3 AND k.key = v.column4";
        Shapes::new(find, 4)
    });
    let mut keyed = Vec::new();
    for (place, append) in appends.iter().enumerate() {
        let room = ledger.room(&append.draft.room);
        if let (Some(room), Some(key)) = (room, &append.draft.key) {
            keyed.push((place, room.id, &append.draft.from, key));
        }
    }
    let found = FIND
        .fetch(ledger.connection(), &keyed, |query, keyed| {
            let (place, room_id, sender, key) = keyed;
            query
                .bind(*place as i64)
                .bind(*room_id)
                .bind(sender.as_str().to_owned())
                .bind((*key).clone())
        })
        .await?;
    let mut used = HashMap::new();
    for row in found {
        let mut columns = Columns::from(&row, 0);
        let place: i64 = columns.take()?;
        let id = columns.take()?;
        let (seq, at) = (columns.seq()?, columns.time()?);
        used.insert(place as usize, Used { id, seq, at });
    }
    Ok(used)
}

/// Writes messages and their keys, and removes keys that have expired and are used anew.
///
/// A broken rule rolls the whole transaction back, which is what would be done anyway; otherwise
/// SQLite would keep a copy of every page that one statement changes.
pub(super) async fn insert(
    ledger: &mut Ledger,
    mut rows: Vec<Row<'_>>,
    expired: &[i64],
) -> Result<(), Error> {
    static INSERT: LazyLock<Shapes> = LazyLock::new(|| {
        let insert = "INSERT OR ROLLBACK INTO messages \
             (room_id, seq, author, body, at, key, reply_to) \
             SELECT * FROM ROWS WHERE column1 IS NOT NULL";
        Shapes::new(insert, 7)
    });
    static FORGET_KEYS: LazyLock<Shapes> =
        LazyLock::new(|| Shapes::new("DELETE FROM keys WHERE id IN ROWS", 1));
    static INSERT_KEYS: LazyLock<Shapes> = LazyLock::new(|| {
        let insert = "INSERT OR ROLLBACK INTO keys (room_id, sender, key, seq, at) \
             SELECT * FROM ROWS WHERE column1 IS NOT NULL";
        Shapes::new(insert, 5)
    });
    ledger.rows_in_log += rows.len();
    INSERT
        .execute(ledger.connection(), &rows, |query, row| {
            let message = row.message;
            query
                .bind(row.room_id)
                .bind(seq_number(message.seq()))
                .bind(message.from.as_str().to_owned())
                .bind(message.body.clone())
                .bind(message.at.0)
                .bind(message.key.clone())
                .bind(message.reply_to.map(seq_number))
        })
        .await?;
    FORGET_KEYS.execute(ledger.connection(), expired, |query, id| query.bind(*id)).await?;
    rows.retain(|row| row.message.key.is_some());
    ledger.rows_in_log += rows.len();
    ledger.keys_written += rows.len();
    INSERT_KEYS
        .execute(ledger.connection(), &rows, |query, row| {
            let message = row.message;
            query
                .bind(row.room_id)
                .bind(message.from.as_str().to_owned())
                .bind(message.key.clone())
                .bind(seq_number(message.seq()))
                .bind(message.at.0)
        })
        .await
        .map(drop)
}
