//! Read receipts.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, limit_number},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{Fault, Marked, ReceiptStore},
};
use sqlx::{Error, PgConnection, query};

#[async_trait]
impl ReceiptStore for PostgresStore {
    async fn mark(&self, room: &RoomName, user: &UserName, seq: Sequence) -> Result<Marked, Fault> {
        self.writers().mark(room.clone(), user.clone(), seq).await
    }

    async fn receipts(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Vec<(UserName, Sequence)>, Fault> {
        self.worker().read(Receipts { room, limit }).await
    }
}

struct Receipts<'a> {
    room: &'a RoomName,
    limit: usize,
}

#[async_trait]
impl Work for Receipts<'_> {
    type Answer = Vec<(UserName, Sequence)>;
    const STATEMENT: Statement = Statement::ReceiptGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT account, read_seq FROM members \
             WHERE room_id = (SELECT id FROM rooms WHERE name = $1) AND read_seq > 0 \
             ORDER BY account LIMIT $2",
        )
        .bind(self.room.as_str())
        .bind(limit_number(self.limit))
        .fetch_all(connection)
        .await?;
        let receipt = |row| {
            let mut columns = Columns::of(row);
            Ok((columns.user()?, columns.seq()?))
        };
        found.iter().map(receipt).collect()
    }
}
