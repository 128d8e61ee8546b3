//! Messages: appended by the writer, read by the page, amended, removed by retention.

use crate::{
    SqliteStore,
    amend::Amend,
    fault::fault,
    heads, history,
    retention::{Evict, rooms_with_older},
    rows::{self, Columns, message_columns, seq_number},
};
use async_trait::async_trait;
use campanile_core::{
    message::{Amendment, Draft, Epoch, Message, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, Fault, Head, History, HistoryError,
        MessageStore, Page,
    },
    time::Timestamp,
};
use sqlx::{Error, Row, SqliteConnection, query};
use std::time::Duration;

#[async_trait]
impl MessageStore for SqliteStore {
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        self.writer().append(draft, now).await
    }

    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError> {
        let mut reader = self.reader().await?;
        let read = history::read(&mut reader, room, page, limit).await;
        read.map_err(fault)?.ok_or(HistoryError::UnknownRoom)
    }

    async fn amend(
        &self,
        room: &RoomName,
        seq: Sequence,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError> {
        let amend =
            Amend { room: room.clone(), seq, by: by.clone(), amendment: amendment.clone(), now };
        self.writer().change(amend).await?
    }

    async fn evict(
        &self,
        now: Timestamp,
        kept: Option<Duration>,
        limit: usize,
    ) -> Result<u64, Fault> {
        let mut reader = self.reader().await?;
        let rooms = rooms_with_older(&mut reader, now, kept, limit).await.map_err(fault)?;
        drop(reader);
        if rooms.is_empty() {
            return Ok(0);
        }
        let evict = Evict { rooms, now, kept, limit: limit as u64 };
        self.writer().change(evict).await
    }

    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Option<Head>>, Fault> {
        let mut reader = self.reader().await?;
        heads::heads(&mut reader, rooms).await.map_err(fault)
    }

    async fn size(&self) -> Result<Archive, Fault> {
        let mut reader = self.reader().await?;
        size(&mut reader).await.map_err(fault)
    }
}

/// Which message, and what it takes to read it.
pub(crate) struct Place<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) room_id: i64,
    pub(crate) epoch: Epoch,
    pub(crate) seq: Sequence,
}

/// Reads one message, if it is kept.
pub(crate) async fn read(
    connection: &mut SqliteConnection,
    place: Place<'_>,
) -> Result<Option<Message>, Error> {
    let found = query(concat!(
        "SELECT ",
        message_columns!(),
        " FROM messages m WHERE m.room_id = ?1 AND m.seq = ?2"
    ))
    .bind(place.room_id)
    .bind(seq_number(place.seq))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let mut message = rows::message(&mut Columns::from(&row, 0), place.room, place.epoch)?;
    let messages = std::slice::from_mut(&mut message);
    history::add_reactions(connection, place.room_id, messages).await?;
    Ok(Some(message))
}

/// Messages from the rooms, which have no gaps; bytes from the pages in use, all of them, since
/// nearly all are the archive's.
async fn size(connection: &mut SqliteConnection) -> Result<Archive, Error> {
    let found = query(
        "SELECT (SELECT coalesce(sum((SELECT coalesce(max(l.seq), r.first_seq - 1) \
         FROM messages l WHERE l.room_id = r.id) - r.first_seq + 1), 0) FROM rooms r), \
         (SELECT page_count FROM pragma_page_count) \
         - (SELECT freelist_count FROM pragma_freelist_count), \
         (SELECT page_size FROM pragma_page_size)",
    )
    .fetch_one(connection)
    .await?;
    let number = |index| found.try_get::<i64, _>(index).map(i64::unsigned_abs);
    Ok(Archive { messages: number(0)?, bytes: number(1)? * number(2)? })
}
