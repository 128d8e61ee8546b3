//! Messages: appended by the writer, read by the page, amended, removed by retention.

use crate::{
    SqliteStore,
    fault::fault,
    history,
    rows::{self, Columns, limit_number, message_columns, role, seq_number},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    message::{Amendment, Draft, Epoch, Message, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, Fault, History, HistoryError, MessageStore,
        Page, check_amendment,
    },
    room::Role,
    time::Timestamp,
};
use sqlx::{Error, Row, SqliteConnection, query, query_scalar};
use std::sync::Arc;

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

    async fn evict(&self, before: Timestamp, limit: usize) -> Result<u64, Fault> {
        // Looked for by a reader, so that the writer need not look at every room.
        let mut reader = self.reader().await?;
        let rooms: Vec<i64> = query_scalar(
            "SELECT r.id FROM rooms r JOIN messages m ON m.room_id = r.id AND m.seq = r.first_seq \
             WHERE m.at < ?1 ORDER BY r.id LIMIT ?2",
        )
        .bind(before.0)
        .bind(limit_number(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        drop(reader);
        if rooms.is_empty() {
            return Ok(0);
        }
        let evict = Evict { rooms, before, limit: limit as u64 };
        self.writer().change(evict).await
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

struct Amend {
    room: RoomName,
    seq: Sequence,
    by: UserName,
    amendment: Amendment,
    now: Timestamp,
}

#[async_trait]
impl Change for Amend {
    type Answer = Result<bool, AmendError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT r.id, r.epoch, m.role FROM rooms r \
             LEFT JOIN members m ON m.room_id = r.id AND m.user = ?2 WHERE r.name = ?1",
        )
        .bind(self.room.as_str().to_owned())
        .bind(self.by.as_str().to_owned())
        .fetch_optional(ledger.connection())
        .await?;
        let Some(found) = found else {
            return Ok(Err(AmendError::UnknownRoom));
        };
        let mut columns = Columns::from(&found, 0);
        let (room_id, epoch) = (columns.take()?, columns.epoch()?);
        let role: Option<Role> = columns.take::<Option<i64>>()?.map(role).transpose()?;
        if role.is_none() {
            return Ok(Err(AmendError::Forbidden));
        }
        let place = Place { room: &self.room, room_id, epoch, seq: self.seq };
        let Some(message) = read(ledger.connection(), place).await? else {
            return Ok(Err(AmendError::UnknownMessage));
        };
        if let Err(error) = check_amendment(&message, &self.by, role, &self.amendment) {
            return Ok(Err(error));
        }
        self.apply(ledger, room_id, &message).await
    }
}

impl Amend {
    async fn apply(
        &self,
        ledger: &mut Ledger,
        room_id: i64,
        message: &Message,
    ) -> Result<Result<bool, AmendError>, Error> {
        match &self.amendment {
            Amendment::Edit { body } if message.body == *body => return Ok(Ok(false)),
            Amendment::Edit { body } => {
                query(
                    "UPDATE messages SET body = ?3, edited_at = ?4 WHERE room_id = ?1 AND seq = ?2",
                )
                .bind(room_id)
                .bind(seq_number(self.seq))
                .bind(body.clone())
                .bind(self.now.0)
                .execute(ledger.connection())
                .await?;
            }
            Amendment::Delete if message.deleted => return Ok(Ok(false)),
            Amendment::Delete => self.delete(ledger.connection(), room_id).await?,
            Amendment::React { emoji, on } => {
                let kind = |emoji: &Arc<str>| {
                    let kinds = message.reactions.iter();
                    kinds.into_iter().find(|kind| kind.emoji == *emoji)
                };
                let known = kind(emoji).is_some_and(|kind| kind.users.contains(&self.by));
                if known == *on {
                    return Ok(Ok(false));
                }
                let full = message.reactions.len() >= ledger.reactions_per_message_max();
                if *on && full && kind(emoji).is_none() {
                    return Ok(Err(AmendError::TooManyReactions));
                }
                self.react(ledger.connection(), room_id, (emoji, *on)).await?;
            }
        }
        Ok(Ok(true))
    }

    async fn delete(&self, connection: &mut SqliteConnection, room_id: i64) -> Result<(), Error> {
        for statement in [
            "UPDATE messages SET body = '', deleted = 1 WHERE room_id = ?1 AND seq = ?2",
            "DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2",
        ] {
            query(statement)
                .bind(room_id)
                .bind(seq_number(self.seq))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    async fn react(
        &self,
        connection: &mut SqliteConnection,
        room_id: i64,
        (emoji, on): (&Arc<str>, bool),
    ) -> Result<(), Error> {
        let statement = if on {
            "INSERT INTO reactions (room_id, seq, place, emoji, user) \
             SELECT ?1, ?2, coalesce(max(place), 0) + 1, ?3, ?4 \
             FROM reactions WHERE room_id = ?1 AND seq = ?2"
        } else {
            "DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2 AND emoji = ?3 AND user = ?4"
        };
        query(statement)
            .bind(room_id)
            .bind(seq_number(self.seq))
            .bind(emoji.clone())
            .bind(self.by.as_str().to_owned())
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct Evict {
    rooms: Vec<i64>,
    before: Timestamp,
    limit: u64,
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
             ORDER BY seq LIMIT ?2) WHERE at >= ?3) FROM rooms r WHERE r.id = ?1",
        )
        .bind(room_id)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(self.before.0)
        .fetch_optional(&mut *connection)
        .await?;
        // It may have been deleted since it was looked for.
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
