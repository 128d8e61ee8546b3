//! Messages: appended by the writers, read by the page, amended, removed by retention.

use crate::{
    PostgresStore,
    amend::Amend,
    heads::Heads,
    history::Read,
    metrics::Statement,
    retention::{Evict, rooms_with_older},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, Fault, Head, History, HistoryError,
        MessageStore, Page,
    },
    time::Timestamp,
};
use sqlx::{Error, PgConnection, query_as};
use std::time::Duration;

#[async_trait]
impl MessageStore for PostgresStore {
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        self.writers().append(draft, now).await
    }

    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError> {
        let read = self.worker().read(Read { room, page, limit }).await?;
        read.ok_or(HistoryError::UnknownRoom)
    }

    async fn amend(
        &self,
        room: &RoomName,
        seq: Sequence,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError> {
        let reactions_max = self.reactions_per_message_max();
        self.worker().change(Amend { room, seq, by, amendment, now, reactions_max }).await?
    }

    async fn evict(
        &self,
        now: Timestamp,
        kept: Option<Duration>,
        limit: usize,
    ) -> Result<u64, Fault> {
        let mut evicted = 0;
        while evicted < limit as u64 {
            let rooms = rooms_with_older(self.worker(), now, kept).await?;
            if rooms.is_empty() {
                break;
            }
            for room_id in rooms {
                let limit = limit as u64 - evicted;
                if limit == 0 {
                    break;
                }
                evicted += self.worker().change(Evict { room_id, now, kept, limit }).await?;
            }
        }
        Ok(evicted)
    }

    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Option<Head>>, Fault> {
        self.worker().read(Heads(rooms)).await
    }

    async fn size(&self) -> Result<Archive, Fault> {
        self.worker().read(Size).await
    }
}

/// Messages from the rooms, which have no gaps; bytes with their indices.
struct Size;

#[async_trait]
impl Work for Size {
    type Answer = Archive;
    const STATEMENT: Statement = Statement::Size;

    async fn run(&self, connection: &mut PgConnection) -> Result<Archive, Error> {
        let (messages, bytes): (i64, i64) = query_as(
            "SELECT (SELECT coalesce(sum(last_seq - first_seq + 1), 0)::bigint FROM rooms), \
             (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits \
             WHERE inhparent = 'messages'::regclass)",
        )
        .fetch_one(connection)
        .await?;
        Ok(Archive { messages: messages.unsigned_abs(), bytes: bytes.unsigned_abs() })
    }
}
