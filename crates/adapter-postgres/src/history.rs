//! Reading history by the page.
//!
//! A room has no gaps, so the numbers of a page are known beforehand, and with them the weeks in
//! which it lies: other partitions are not looked at.

use crate::{
    metrics::Statement,
    rows::{self, Columns, message_columns, seq_number},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    message::{Epoch, Message, Sequence},
    name::{RoomName, UserName},
    port::{History, Page, group_reactions},
};
use sqlx::{Error, PgConnection, postgres::PgRow, query};
use std::sync::Arc;

/// A page of a room; `None` for a room that does not exist.
pub(crate) struct Read<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) page: Page,
    pub(crate) limit: usize,
}

/// A stretch of messages of one room.
pub(crate) struct Stretch<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) room_id: i64,
    pub(crate) epoch: Epoch,
    /// The first and the last.
    pub(crate) seqs: (u64, u64),
}

/// A room as it is read.
struct Place {
    room_id: i64,
    epoch: Epoch,
    first: u64,
    last: u64,
}

#[async_trait]
impl Work for Read<'_> {
    type Answer = Option<History>;
    const STATEMENT: Statement = Statement::History;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Some(place) = Place::find(connection, self.room).await? else {
            return Ok(None);
        };
        let (seqs, has_more) = self.seqs(&place);
        let Place { room_id, epoch, first, last } = place;
        let messages = Stretch { room: self.room, room_id, epoch, seqs }.read(connection).await?;
        // Retention may have come between the two.
        let first = messages.first().map_or(first, |message| match seqs.0 == first {
            true => first.max(message.seq().0),
            false => first,
        });
        Ok(Some(History {
            messages: messages.into_iter().map(Arc::new).collect(),
            has_more,
            epoch,
            last_seq: Sequence(last),
            first_seq: Sequence(first),
        }))
    }
}

impl Read<'_> {
    /// The first and the last number of the page, and whether there is more.
    fn seqs(&self, place: &Place) -> ((u64, u64), bool) {
        let Place { first, last, .. } = *place;
        let limit = self.limit as u64;
        match self.page {
            Page::After(seq) => {
                let start = seq.0.saturating_add(1).max(first);
                let end = start.saturating_add(limit).saturating_sub(1).min(last);
                ((start, end), start.saturating_add(limit) <= last)
            }
            Page::Newest | Page::Before(_) => {
                let end = match self.page {
                    Page::Before(seq) => seq.0.saturating_sub(1).min(last),
                    _ => last,
                };
                let start = (end + 1).saturating_sub(limit).max(first);
                ((start, end), start > first && end >= first)
            }
        }
    }
}

impl Place {
    async fn find(connection: &mut PgConnection, room: &RoomName) -> Result<Option<Self>, Error> {
        let found = query("SELECT id, epoch, first_seq, last_seq FROM rooms WHERE name = $1")
            .bind(room.as_str())
            .fetch_optional(connection)
            .await?;
        let place = found.map(|row| {
            let mut columns = Columns::of(&row);
            Ok(Self {
                room_id: columns.take()?,
                epoch: columns.epoch()?,
                first: columns.count()?,
                last: columns.count()?,
            })
        });
        place.transpose()
    }
}

impl Stretch<'_> {
    /// The messages that are kept, ascending, with their reactions.
    pub(crate) async fn read(&self, connection: &mut PgConnection) -> Result<Vec<Message>, Error> {
        let (start, end) = self.seqs;
        if start > end {
            return Ok(Vec::new());
        }
        let Some((first_week, last_week)) = self.weeks(connection).await? else {
            return Ok(Vec::new());
        };
        let found = query(concat!(
            "SELECT ",
            message_columns!(),
            ", ARRAY(SELECT x.emoji FROM reactions x WHERE x.room_id = m.room_id \
             AND x.seq = m.seq ORDER BY x.place), \
             ARRAY(SELECT x.account FROM reactions x WHERE x.room_id = m.room_id \
             AND x.seq = m.seq ORDER BY x.place) \
             FROM messages m WHERE m.room_id = $1 AND m.week BETWEEN $2 AND $3 \
             AND m.seq BETWEEN $4 AND $5 ORDER BY m.seq"
        ))
        .bind(self.room_id)
        .bind(first_week)
        .bind(last_week)
        .bind(seq_number(Sequence(start)))
        .bind(seq_number(Sequence(end)))
        .fetch_all(connection)
        .await?;
        found.iter().map(|row| self.message(row)).collect()
    }

    async fn weeks(&self, connection: &mut PgConnection) -> Result<Option<(i32, i32)>, Error> {
        let (start, end) = self.seqs;
        let found = query(
            "SELECT min(week), max(week) FROM spans WHERE room_id = $1 AND first_seq <= $3 \
             AND first_seq >= coalesce((SELECT max(first_seq) FROM spans \
             WHERE room_id = $1 AND first_seq <= $2), 0)",
        )
        .bind(self.room_id)
        .bind(seq_number(Sequence(start)))
        .bind(seq_number(Sequence(end)))
        .fetch_one(connection)
        .await?;
        let mut columns = Columns::of(&found);
        let (first, last): (Option<i32>, Option<i32>) = (columns.take()?, columns.take()?);
        Ok(first.zip(last))
    }

    fn message(&self, row: &PgRow) -> Result<Message, Error> {
        let mut columns = Columns::of(row);
        let mut message = rows::message(&mut columns, self.room, self.epoch)?;
        let emojis: Vec<Vec<u8>> = columns.take()?;
        let users: Vec<String> = columns.take()?;
        let mut reactions = Vec::with_capacity(users.len());
        for (emoji, user) in emojis.into_iter().zip(&users) {
            let emoji = String::from_utf8(emoji).map_err(rows::senseless)?;
            let user = UserName::parse(user).map_err(rows::senseless)?;
            reactions.push((Arc::from(emoji), user));
        }
        message.reactions = group_reactions(reactions);
        Ok(message)
    }
}
