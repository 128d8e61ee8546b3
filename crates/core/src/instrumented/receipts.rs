//! The receipt store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{Fault, Marked, ReceiptStore},
};
use async_trait::async_trait;

#[async_trait]
impl ReceiptStore for Instrumented<dyn ReceiptStore> {
    async fn mark(&self, room: &RoomName, user: &UserName, seq: Sequence) -> Result<Marked, Fault> {
        self.gauge.count(StoreCall::ReceiptsPut, self.inner.mark(room, user, seq)).await
    }

    async fn receipts(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Vec<(UserName, Sequence)>, Fault> {
        self.gauge.count(StoreCall::ReceiptsScan, self.inner.receipts(room, limit)).await
    }
}
