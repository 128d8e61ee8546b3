//! The message store, measured as a store and as the archive that users read.

use super::{EvictionReason, Instrumented, StoreCall, outcome};
use crate::{
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, Fault, Head, History, HistoryError,
        MessageStore, Page,
    },
    time::Timestamp,
};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl MessageStore for Instrumented<dyn MessageStore> {
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        let append = self.inner.append(draft, now);
        let (answer, took) = self.gauge.time(StoreCall::ArchivePut, append).await;
        let archive = &self.gauge.metrics.archive;
        archive.write_duration.observe(took);
        archive.writes.increment(outcome(&answer));
        answer
    }

    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError> {
        let history = self.inner.history(room, page, limit);
        let (answer, took) = self.gauge.time(StoreCall::ArchiveQuery, history).await;
        let archive = &self.gauge.metrics.archive;
        archive.query_duration.observe(took);
        archive.queries.increment(outcome(&answer));
        answer
    }

    async fn amend(
        &self,
        room: &RoomName,
        seq: Sequence,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError> {
        let amend = self.inner.amend(room, seq, by, amendment, now);
        let (answer, took) = self.gauge.time(StoreCall::ArchivePut, amend).await;
        let archive = &self.gauge.metrics.archive;
        archive.write_duration.observe(took);
        archive.writes.increment(outcome(&answer));
        answer
    }

    async fn evict(
        &self,
        now: Timestamp,
        kept: Option<Duration>,
        limit: usize,
    ) -> Result<u64, Fault> {
        let evict = self.inner.evict(now, kept, limit);
        let answer = self.gauge.count(StoreCall::ArchiveDelete, evict).await;
        if let Ok(evicted) = answer {
            self.gauge.metrics.archive.evictions.add(evicted, EvictionReason::Ttl);
        }
        answer
    }

    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Option<Head>>, Fault> {
        self.gauge.count(StoreCall::ArchiveQuery, self.inner.heads(rooms)).await
    }

    async fn size(&self) -> Result<Archive, Fault> {
        self.gauge.count(StoreCall::ArchiveScan, self.inner.size()).await
    }
}
