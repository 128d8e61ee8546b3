//! Heads: where rooms are.

use crate::{metrics::Statement, rows::in_places, work::Work};
use async_trait::async_trait;
use campanile_core::{name::RoomName, port::Head};
use sqlx::{Error, PgConnection, query};

/// Where each of these rooms is.
pub(crate) struct Heads<'a>(pub(crate) &'a [RoomName]);

#[async_trait]
impl Work for Heads<'_> {
    type Answer = Vec<Option<Head>>;
    const STATEMENT: Statement = Statement::Heads;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let rooms: Vec<&str> = self.0.iter().map(RoomName::as_str).collect();
        let found = query(
            "SELECT t.place, r.epoch, r.last_seq, r.amended_at \
             FROM UNNEST($1::text[]) WITH ORDINALITY t (room, place) \
             JOIN rooms r ON r.name = t.room",
        )
        .bind(rooms)
        .fetch_all(connection)
        .await?;
        in_places(self.0.len(), &found, |columns| {
            Ok(Head {
                epoch: columns.epoch()?,
                last_seq: columns.seq()?,
                amended_at: columns.optional_time()?,
            })
        })
    }
}
