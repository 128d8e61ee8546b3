//! Rows of the database as the things they stand for.

use campanile_core::{
    message::{Epoch, Message, MessageId, Sequence},
    name::{RoomName, UserName},
    room::{Member, Role, Room, RoomKind},
    time::Timestamp,
};
use sqlx::{Decode, Error, Row, Sqlite, Type, sqlite::SqliteRow};
use std::{sync::Arc, time::Duration};

/// What [`room`] reads, of `rooms r`: nine columns. The last message's number is that of the last
/// row, so it is not kept twice.
macro_rules! room_columns {
    () => {
        "r.name, r.kind, r.topic, r.retention, r.epoch, r.created_at, r.members, r.first_seq, \
         (SELECT max(l.seq) FROM messages l WHERE l.room_id = r.id)"
    };
}
pub(crate) use room_columns;

/// What [`message`] reads, of `messages m`: eight columns.
macro_rules! message_columns {
    () => {
        "m.seq, m.author, m.body, m.at, m.key, m.reply_to, m.edited_at, m.deleted"
    };
}
pub(crate) use message_columns;

/// What [`member`] reads, of `members m` and `accounts a`: five columns.
macro_rules! member_columns {
    () => {
        "m.user, m.role, m.joined_at, m.read_seq, a.last_seen"
    };
}
pub(crate) use member_columns;

/// Columns of a row, one after the other.
pub(crate) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    /// The columns from this one on.
    pub(crate) fn from(row: &'r SqliteRow, first: usize) -> Self {
        Self { row, next: first }
    }

    /// The next column.
    pub(crate) fn take<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, Error> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index)
    }

    pub(crate) fn user(&mut self) -> Result<UserName, Error> {
        UserName::parse(self.take()?).map_err(senseless)
    }

    pub(crate) fn room_name(&mut self) -> Result<RoomName, Error> {
        RoomName::parse(self.take()?).map_err(senseless)
    }

    pub(crate) fn text(&mut self) -> Result<Arc<str>, Error> {
        self.take::<&str>().map(Arc::from)
    }

    pub(crate) fn seq(&mut self) -> Result<Sequence, Error> {
        sequence(self.take()?)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Error> {
        self.take().map(Timestamp)
    }

    pub(crate) fn kind(&mut self) -> Result<RoomKind, Error> {
        match self.take::<i64>()? {
            0 => Ok(RoomKind::Public),
            1 => Ok(RoomKind::Private),
            2 => Ok(RoomKind::Direct),
            other => Err(senseless(format!("no kind of room is {other}"))),
        }
    }

    pub(crate) fn role(&mut self) -> Result<Role, Error> {
        self.take().and_then(role)
    }

    pub(crate) fn epoch(&mut self) -> Result<Epoch, Error> {
        let epoch = u64::try_from(self.take::<i64>()?);
        epoch.map(Epoch).map_err(senseless)
    }

    pub(crate) fn retention(&mut self) -> Result<Option<Duration>, Error> {
        let millis = self.take::<Option<i64>>()?.map(u64::try_from);
        Ok(millis.transpose().map_err(senseless)?.map(Duration::from_millis))
    }

    pub(crate) fn last_seq(&mut self, first_seq: Sequence) -> Result<Sequence, Error> {
        match self.take::<Option<i64>>()? {
            Some(last) => sequence(last),
            None => Ok(Sequence(first_seq.0.saturating_sub(1))),
        }
    }
}

/// The number of the kind in the database.
pub(crate) fn kind_number(kind: RoomKind) -> i64 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Private => 1,
        RoomKind::Direct => 2,
    }
}

/// The number of the role in the database.
pub(crate) fn role_number(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Owner => 1,
    }
}

/// The role of a number in the database.
pub(crate) fn role(number: i64) -> Result<Role, Error> {
    match number {
        0 => Ok(Role::Member),
        1 => Ok(Role::Owner),
        other => Err(senseless(format!("no role is {other}"))),
    }
}

/// A number as SQLite keeps it. There is no message so high as not to fit.
pub(crate) fn seq_number(seq: Sequence) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A time that messages are kept, as SQLite keeps it: milliseconds.
pub(crate) fn retention_number(kept: Duration) -> i64 {
    i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)
}

/// A bound on rows as SQLite takes it.
pub(crate) fn limit_number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(crate) fn sequence(number: i64) -> Result<Sequence, Error> {
    u64::try_from(number).map(Sequence).map_err(senseless)
}

/// What was read makes no sense.
pub(crate) fn senseless(
    error: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> Error {
    Error::Decode(error.into())
}

/// A room, from the columns `room_columns!` names.
pub(crate) fn room(columns: &mut Columns<'_>) -> Result<Room, Error> {
    let name = columns.room_name()?;
    let kind = columns.kind()?;
    let topic = columns.take()?;
    let retention = columns.retention()?;
    let epoch = columns.epoch()?;
    let created_at = columns.time()?;
    let members = columns.take::<i64>()?.unsigned_abs();
    let first_seq = columns.seq()?;
    let last_seq = columns.last_seq(first_seq)?;
    Ok(Room { name, kind, topic, retention, members, last_seq, epoch, created_at })
}

/// A member, from the columns `member_columns!` names.
pub(crate) fn member(columns: &mut Columns<'_>) -> Result<Member, Error> {
    Ok(Member {
        user: columns.user()?,
        role: columns.role()?,
        joined_at: columns.time()?,
        read_seq: columns.seq()?,
        last_seen: columns.take::<Option<i64>>()?.map(Timestamp),
    })
}

/// A message without its reactions, from the columns `message_columns!` names.
pub(crate) fn message(
    columns: &mut Columns<'_>,
    room: &RoomName,
    epoch: Epoch,
) -> Result<Message, Error> {
    let seq = columns.seq()?;
    Ok(Message {
        room: room.clone(),
        id: MessageId { epoch, seq },
        from: columns.user()?,
        body: columns.text()?,
        at: columns.time()?,
        key: columns.take::<Option<&str>>()?.map(Arc::from),
        reply_to: columns.take::<Option<i64>>()?.map(sequence).transpose()?,
        edited_at: columns.take::<Option<i64>>()?.map(Timestamp),
        deleted: columns.take()?,
        reactions: Vec::new(),
    })
}
