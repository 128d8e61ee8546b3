//! Retention: a room loses its first messages, so that what is kept has no gap.

use crate::{
    metrics::Statement,
    rows::{limit_number, retention_number},
    work::{Work, Worker},
};
use async_trait::async_trait;
use campanile_core::{port::Fault, time::Timestamp};
use sqlx::{Error, PgConnection, query, query_as, query_scalar};
use std::time::Duration;

/// Rooms that are looked for at once.
const ROOMS_AT_ONCE: i64 = 200;

/// Rooms whose first message is older than they keep it, the oldest of each kind first: those that
/// say how long, and those that leave it to the server.
pub(crate) async fn rooms_with_older(
    worker: &Worker,
    now: Timestamp,
    kept: Option<Duration>,
) -> Result<Vec<i64>, Fault> {
    worker.read(Older { now, kept }).await
}

struct Older {
    now: Timestamp,
    kept: Option<Duration>,
}

#[async_trait]
impl Work for Older {
    type Answer = Vec<i64>;
    const STATEMENT: Statement = Statement::Evict;

    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<i64>, Error> {
        // Each by its index: of many rooms, few are looked at.
        query_scalar(
            "(SELECT id FROM rooms WHERE retention IS NOT NULL AND first_at + retention < $1 \
             ORDER BY first_at + retention LIMIT $3) UNION ALL \
             (SELECT id FROM rooms WHERE retention IS NULL AND first_at < $2 \
             ORDER BY first_at LIMIT $3)",
        )
        .bind(self.now.0)
        .bind(self.kept.map(|kept| self.now.minus(kept).0))
        .bind(ROOMS_AT_ONCE)
        .fetch_all(connection)
        .await
    }
}

/// Removes messages of one room; how many.
pub(crate) struct Evict {
    pub(crate) room_id: i64,
    pub(crate) now: Timestamp,
    pub(crate) kept: Option<Duration>,
    pub(crate) limit: u64,
}

#[async_trait]
impl Work for Evict {
    type Answer = u64;
    const STATEMENT: Statement = Statement::Evict;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Error> {
        // It may have been deleted since it was looked for, or keep more now.
        let room: Option<(i64, i64, i64)> = query_as(
            "SELECT first_seq, last_seq, $2 - coalesce(retention, $3) FROM rooms \
             WHERE id = $1 AND first_at < $2 - coalesce(retention, $3) FOR NO KEY UPDATE",
        )
        .bind(self.room_id)
        .bind(self.now.0)
        .bind(self.kept.map(retention_number))
        .fetch_optional(&mut *connection)
        .await?;
        let Some((first, last, before)) = room else {
            return Ok(0);
        };
        // One more than may go, to see what will be the first.
        let limit = limit_number(usize::try_from(self.limit).unwrap_or(usize::MAX - 1) + 1);
        let kept: Vec<(i64, i64)> = query_as(
            "SELECT seq, at FROM messages WHERE room_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
        )
        .bind(self.room_id)
        .bind(first)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
        let old = kept.iter().take_while(|(_, at)| *at < before).count();
        let old = old.min(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let (next, next_at) = match kept.get(old) {
            Some((seq, at)) => (*seq, Some(*at)),
            None => (last + 1, None),
        };
        for statement in [
            "DELETE FROM messages WHERE room_id = $1 AND seq >= $2 AND seq < $3",
            "DELETE FROM reactions WHERE room_id = $1 AND seq >= $2 AND seq < $3",
        ] {
            query(statement)
                .bind(self.room_id)
                .bind(first)
                .bind(next)
                .execute(&mut *connection)
                .await?;
        }
        query("UPDATE rooms SET first_seq = $2, first_at = $3 WHERE id = $1")
            .bind(self.room_id)
            .bind(next)
            .bind(next_at)
            .execute(&mut *connection)
            .await?;
        // Spans that end before what is kept; the one in which it begins stays.
        query(
            "DELETE FROM spans WHERE room_id = $1 AND first_seq < coalesce((SELECT max(first_seq) \
             FROM spans WHERE room_id = $1 AND first_seq <= $2), 0)",
        )
        .bind(self.room_id)
        .bind(next)
        .execute(connection)
        .await?;
        Ok((next - first).unsigned_abs())
    }
}
