//! Rows of the database as the things they stand for.

use campanile_core::{
    message::{Epoch, Message, MessageId, Sequence},
    name::{RoomName, UserName},
    room::{Member, Role, Room, RoomKind},
    time::Timestamp,
};
use sqlx::{Decode, Error, Postgres, Row, Type, postgres::PgRow};
use std::{sync::Arc, time::Duration};

/// What [`room`] reads, of `rooms r`.
macro_rules! room_columns {
    () => {
        "r.name, r.kind, r.topic, r.retention, r.epoch, r.created_at, r.members, r.last_seq"
    };
}
pub(crate) use room_columns;

/// What [`message`] reads, of `messages m`.
macro_rules! message_columns {
    () => {
        "m.seq, m.author, m.body, m.at, m.key, m.reply_to, m.edited_at, m.deleted"
    };
}
pub(crate) use message_columns;

/// What [`member`] reads, of `members m` and `accounts a`.
macro_rules! member_columns {
    () => {
        "m.account, m.role, m.joined_at, m.read_seq, a.last_seen"
    };
}
pub(crate) use member_columns;

/// Columns of a row, one after the other.
pub(crate) struct Columns<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Columns<'r> {
    /// All columns of the row.
    pub(crate) fn of(row: &'r PgRow) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(crate) fn take<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T, Error> {
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

    /// What a person wrote.
    pub(crate) fn text(&mut self) -> Result<&'r str, Error> {
        std::str::from_utf8(self.take()?).map_err(senseless)
    }

    /// What a person may have written.
    pub(crate) fn optional_text(&mut self) -> Result<Option<&'r str>, Error> {
        let bytes: Option<&[u8]> = self.take()?;
        bytes.map(|bytes| std::str::from_utf8(bytes).map_err(senseless)).transpose()
    }

    pub(crate) fn seq(&mut self) -> Result<Sequence, Error> {
        sequence(self.take()?)
    }

    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        u64::try_from(self.take::<i64>()?).map_err(senseless)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Error> {
        self.take().map(Timestamp)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp))
    }

    pub(crate) fn retention(&mut self) -> Result<Option<Duration>, Error> {
        let millis = self.take::<Option<i64>>()?.map(u64::try_from);
        Ok(millis.transpose().map_err(senseless)?.map(Duration::from_millis))
    }

    pub(crate) fn kind(&mut self) -> Result<RoomKind, Error> {
        match self.take::<i16>()? {
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
        self.count().map(Epoch)
    }
}

/// The number of the kind in the database.
pub(crate) fn kind_number(kind: RoomKind) -> i16 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Private => 1,
        RoomKind::Direct => 2,
    }
}

/// The number of the role in the database.
pub(crate) fn role_number(role: Role) -> i16 {
    match role {
        Role::Member => 0,
        Role::Owner => 1,
    }
}

/// The role of a number in the database.
pub(crate) fn role(number: i16) -> Result<Role, Error> {
    match number {
        0 => Ok(Role::Member),
        1 => Ok(Role::Owner),
        other => Err(senseless(format!("no role is {other}"))),
    }
}

/// A number as the database keeps it. There is no message so high as not to fit.
pub(crate) fn seq_number(seq: Sequence) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A time that messages are kept, as the database keeps it: milliseconds.
pub(crate) fn retention_number(kept: Duration) -> i64 {
    i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)
}

/// A bound on rows as the database takes it.
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
    Ok(Room {
        name: columns.room_name()?,
        kind: columns.kind()?,
        topic: columns.text()?.to_owned(),
        retention: columns.retention()?,
        epoch: columns.epoch()?,
        created_at: columns.time()?,
        members: columns.count()?,
        last_seq: columns.seq()?,
    })
}

/// A member, from the columns `member_columns!` names.
pub(crate) fn member(columns: &mut Columns<'_>) -> Result<Member, Error> {
    Ok(Member {
        user: columns.user()?,
        role: columns.role()?,
        joined_at: columns.time()?,
        read_seq: columns.seq()?,
        last_seen: columns.optional_time()?,
    })
}

/// A message without its reactions, from the columns `message_columns!` names.
pub(crate) fn message(
    columns: &mut Columns<'_>,
    room: &RoomName,
    epoch: Epoch,
) -> Result<Message, Error> {
    Ok(Message {
        room: room.clone(),
        id: MessageId { epoch, seq: columns.seq()? },
        from: columns.user()?,
        body: Arc::from(columns.text()?),
        at: columns.time()?,
        key: columns.optional_text()?.map(Arc::from),
        reply_to: columns.take::<Option<i64>>()?.map(sequence).transpose()?,
        edited_at: columns.optional_time()?,
        deleted: columns.take()?,
        reactions: Vec::new(),
    })
}

/// What was found, each in the place that its row names first.
pub(crate) fn in_places<T>(
    count: usize,
    found: &[PgRow],
    read: impl Fn(&mut Columns<'_>) -> Result<T, Error>,
) -> Result<Vec<Option<T>>, Error> {
    let mut all: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for row in found {
        let mut columns = Columns::of(row);
        // WITH ORDINALITY counts from 1.
        let place = columns.take::<i64>()? as usize - 1;
        all[place] = Some(read(&mut columns)?);
    }
    Ok(all)
}
