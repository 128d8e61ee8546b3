//! What keeps the database in order: weeks to come and weeks that are empty, keys and blobs no longer
//! needed, deleted rooms.

use crate::{
    metrics::Statement,
    weeks::{Weeks, week},
    work::{Work, Worker},
};
use async_trait::async_trait;
use campanile_core::time::Timestamp;
use sqlx::{Error, PgConnection, query, query_scalar};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// How often it is looked after.
const EVERY: Duration = Duration::from_secs(60);

/// How many times it is looked after until empty weeks are dropped again.
const DROP_EVERY: u64 = 60;

/// Between two portions of what is removed.
const PAUSE: Duration = Duration::from_millis(20);

/// Rows that are removed at once, so that nobody waits long for it.
const PORTION: i64 = 2_000;

/// The task that looks after the database.
#[derive(Debug)]
pub(crate) struct Upkeep(Mutex<Option<JoinHandle<()>>>);

impl Upkeep {
    pub(crate) fn spawn(worker: Worker, weeks: Weeks, window: Duration) -> Self {
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(EVERY);
            for time in 0_u64.. {
                ticks.tick().await;
                worker.pool.prune();
                // What fails is counted where it is asked, and tried again in a minute.
                if let Ok(now) = worker.read(Now).await {
                    let _counted = weeks.ensure(&[week(now), week(now) + 1].into()).await;
                    let before = now.minus(window);
                    while worker.change(Clear { before }).await.unwrap_or(0) > 0 {
                        tokio::time::sleep(PAUSE).await;
                    }
                    if time % DROP_EVERY == 0 {
                        let _counted = weeks.drop_empty(week(now) - 1).await;
                    }
                }
            }
        });
        Self(Mutex::new(Some(task)))
    }

    pub(crate) async fn stop(&self) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            let _ended = task.await;
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        if let Some(task) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// What time the database has.
struct Now;

#[async_trait]
impl Work for Now {
    type Answer = Timestamp;
    const STATEMENT: Statement = Statement::Upkeep;

    async fn run(&self, connection: &mut PgConnection) -> Result<Timestamp, Error> {
        let now = query_scalar("SELECT (extract(epoch FROM now()) * 1000)::bigint");
        now.fetch_one(connection).await.map(Timestamp)
    }
}

/// Removes a portion of what is no longer needed; how many rows.
struct Clear {
    /// Keys used before this are forgotten.
    before: Timestamp,
}

#[async_trait]
impl Work for Clear {
    type Answer = u64;
    const STATEMENT: Statement = Statement::Upkeep;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Error> {
        let mut removed = 0;
        removed += query(
            "DELETE FROM keys WHERE ctid = ANY (ARRAY(\
             SELECT ctid FROM keys WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        )
        .bind(self.before.0)
        .bind(PORTION)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        removed += query(
            "DELETE FROM blob_parts p WHERE p.ctid = ANY (ARRAY(SELECT ctid FROM blob_parts \
             WHERE written_at < now() - interval '1 day' AND NOT EXISTS \
             (SELECT 1 FROM blobs b WHERE b.draft = blob_parts.draft) LIMIT $1))",
        )
        .bind(PORTION / 100)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        Ok(removed + dig(connection).await?)
    }
}

/// Removes a portion of a deleted room, and its grave once there is no more.
async fn dig(connection: &mut PgConnection) -> Result<u64, Error> {
    let grave: Option<i64> =
        query_scalar("SELECT room_id FROM graves LIMIT 1 FOR UPDATE SKIP LOCKED")
            .fetch_optional(&mut *connection)
            .await?;
    let Some(room_id) = grave else {
        return Ok(0);
    };
    for portion in [
        "DELETE FROM messages WHERE room_id = $1 AND seq = ANY (ARRAY(\
         SELECT seq FROM messages WHERE room_id = $1 ORDER BY seq LIMIT $2))",
        "DELETE FROM reactions WHERE ctid = ANY (ARRAY(\
         SELECT ctid FROM reactions WHERE room_id = $1 LIMIT $2))",
        "DELETE FROM keys WHERE ctid = ANY (ARRAY(\
         SELECT ctid FROM keys WHERE room_id = $1 LIMIT $2))",
        "DELETE FROM spans WHERE ctid = ANY (ARRAY(\
         SELECT ctid FROM spans WHERE room_id = $1 LIMIT $2))",
    ] {
        let removed = query(portion).bind(room_id).bind(PORTION).execute(&mut *connection).await?;
        if removed.rows_affected() > 0 {
            return Ok(removed.rows_affected());
        }
    }
    query("DELETE FROM graves WHERE room_id = $1").bind(room_id).execute(connection).await?;
    Ok(1)
}
