//! Read receipts.

use crate::{
    SqliteStore,
    fault::fault,
    rows::{Columns, limit_number},
};
use async_trait::async_trait;
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{Fault, Marked, ReceiptStore},
};
use sqlx::query;

#[async_trait]
impl ReceiptStore for SqliteStore {
    async fn mark(&self, room: &RoomName, user: &UserName, seq: Sequence) -> Result<Marked, Fault> {
        self.writer().mark(room.clone(), user.clone(), seq).await
    }

    async fn receipts(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Vec<(UserName, Sequence)>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(
            "SELECT user, read_seq FROM members \
             WHERE room_id = (SELECT id FROM rooms WHERE name = ?1) AND read_seq > 0 \
             ORDER BY user LIMIT ?2",
        )
        .bind(room.as_str().to_owned())
        .bind(limit_number(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        let receipt = |row| {
            let mut columns = Columns::from(row, 0);
            Ok((columns.user()?, columns.seq()?))
        };
        found.iter().map(receipt).collect::<Result<_, _>>().map_err(fault)
    }
}
