//! Retention: rooms lose their first messages.

use crate::{
    rows::{self, Columns, limit_number, retention_number, seq_number},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{message::Sequence, time::Timestamp};
use sqlx::{Error, SqliteConnection, query, query_scalar};
use std::time::Duration;

/// Rooms whose first message is older than they keep it. Looked for by a reader, so that the writer
/// need not look at every room.
pub(crate) async fn rooms_with_older(
    connection: &mut SqliteConnection,
    now: Timestamp,
    kept: Option<Duration>,
    limit: usize,
) -> Result<Vec<i64>, Error> {
    query_scalar(
        "SELECT r.id FROM rooms r JOIN messages m ON m.room_id = r.id AND m.seq = r.first_seq \
         WHERE m.at < ?1 - coalesce(r.retention, ?2) ORDER BY r.id LIMIT ?3",
    )
    .bind(now.0)
    .bind(kept.map(retention_number))
    .bind(limit_number(limit))
    .fetch_all(connection)
    .await
}

/// Removes the first messages of rooms.
pub(crate) struct Evict {
    pub(crate) rooms: Vec<i64>,
    pub(crate) now: Timestamp,
    pub(crate) kept: Option<Duration>,
    pub(crate) limit: u64,
}

#[async_trait]
impl Change for Evict {
    type Answer = u64;

    async fn make(&self, ledger: &mut Ledger) -> Result<u64, Error> {
        let mut evicted = 0;
        for room_id in &self.rooms {
            if evicted == self.limit {
                break;
            }
            let limit = self.limit - evicted;
            evicted += self.evict(ledger.connection(), *room_id, limit).await?;
        }
        // The first messages of rooms are others now.
        ledger.forget_all();
        Ok(evicted)
    }
}

impl Evict {
    /// Removes the first messages of a room, up to the first one that stays.
    async fn evict(
        &self,
        connection: &mut SqliteConnection,
        room_id: i64,
        limit: u64,
    ) -> Result<u64, Error> {
        let found = query(
            "SELECT r.first_seq, (SELECT max(seq) FROM messages WHERE room_id = r.id), \
             (SELECT min(seq) FROM (SELECT seq, at FROM messages WHERE room_id = r.id \
             ORDER BY seq LIMIT ?2) WHERE at >= ?3 - coalesce(r.retention, ?4)) \
             FROM rooms r WHERE r.id = ?1 AND coalesce(r.retention, ?4) IS NOT NULL",
        )
        .bind(room_id)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(self.now.0)
        .bind(self.kept.map(retention_number))
        .fetch_optional(&mut *connection)
        .await?;
        // It may have been deleted since it was looked for, or keep everything now.
        let Some(found) = found else {
            return Ok(0);
        };
        let mut columns = Columns::from(&found, 0);
        let first_seq = columns.seq()?;
        let next = columns.last_seq(first_seq)?.next();
        let stays = columns.take::<Option<i64>>()?.map(rows::sequence);
        let end = first_seq.0.saturating_add(limit).min(next.0);
        let end = stays.transpose()?.map_or(end, |stays| stays.0.min(end));
        for statement in [
            "DELETE FROM messages WHERE room_id = ?1 AND seq < ?2",
            "DELETE FROM reactions WHERE room_id = ?1 AND seq < ?2",
            "UPDATE rooms SET first_seq = ?2 WHERE id = ?1",
        ] {
            query(statement)
                .bind(room_id)
                .bind(seq_number(Sequence(end)))
                .execute(&mut *connection)
                .await?;
        }
        Ok(end - first_seq.0)
    }
}
