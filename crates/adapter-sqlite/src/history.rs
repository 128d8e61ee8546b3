//! Reading history by the page.

use crate::rows::{self, Columns, limit_number, message_columns, room_columns};
use campanile_core::{
    message::{Message, Sequence},
    name::{RoomName, UserName},
    port::{History, Page, group_reactions},
};
use sqlx::{Error, SqliteConnection, query, sqlite::SqliteRow};
use std::{collections::HashMap, sync::Arc};

/// Columns of the room and its id, before those of a message.
const ROOM_COLUMNS: usize = 10;

/// The page in descending order, with the room on each row: one statement, so one moment. A room
/// without a message on this page has one row all the same.
const DESCENDING: &str = concat!(
    "SELECT r.id, ",
    room_columns!(),
    ", ",
    message_columns!(),
    " FROM rooms r LEFT JOIN messages m ON m.room_id = r.id AND m.seq < ?2 \
     WHERE r.name = ?1 ORDER BY m.seq DESC LIMIT ?3"
);

/// The same in ascending order, from the other end.
const ASCENDING: &str = concat!(
    "SELECT r.id, ",
    room_columns!(),
    ", ",
    message_columns!(),
    " FROM rooms r LEFT JOIN messages m ON m.room_id = r.id AND m.seq > ?2 \
     WHERE r.name = ?1 ORDER BY m.seq LIMIT ?3"
);

/// Reads a page; `None` where there is no such room.
pub(crate) async fn read(
    connection: &mut SqliteConnection,
    room: &RoomName,
    page: Page,
    limit: usize,
) -> Result<Option<History>, Error> {
    let (sql, edge) = match page {
        Page::Newest => (DESCENDING, Sequence(u64::MAX)),
        Page::Before(seq) => (DESCENDING, seq),
        Page::After(seq) => (ASCENDING, seq),
    };
    // One more than asked for tells whether there is more.
    let found = query(sql)
        .bind(room.as_str().to_owned())
        .bind(rows::seq_number(edge))
        .bind(limit_number(limit.saturating_add(1)))
        .fetch_all(&mut *connection)
        .await?;
    let Some(first) = found.first() else {
        return Ok(None);
    };
    let mut columns = Columns::from(first, 0);
    let room_id: i64 = columns.take()?;
    let mut history = head(&mut columns)?;
    let mut messages = messages(&found, room, &history)?;
    history.has_more = messages.len() > limit;
    messages.truncate(limit);
    if !matches!(page, Page::After(_)) {
        messages.reverse();
    }
    add_reactions(connection, room_id, &mut messages).await?;
    history.messages = messages.into_iter().map(Arc::new).collect();
    Ok(Some(history))
}

/// What a page tells of the room.
fn head(columns: &mut Columns<'_>) -> Result<History, Error> {
    let (_name, _kind): (&str, i64) = (columns.take()?, columns.take()?);
    let (_topic, _retention): (&str, Option<i64>) = (columns.take()?, columns.take()?);
    let epoch = columns.epoch()?;
    let (_created_at, _members): (i64, i64) = (columns.take()?, columns.take()?);
    let first_seq = columns.seq()?;
    let last_seq = columns.last_seq(first_seq)?;
    Ok(History { messages: Vec::new(), has_more: false, epoch, last_seq, first_seq })
}

fn messages(
    found: &[SqliteRow],
    room: &RoomName,
    history: &History,
) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::with_capacity(found.len());
    for row in found {
        let seq: Option<i64> = Columns::from(row, ROOM_COLUMNS).take()?;
        if seq.is_some() {
            let mut columns = Columns::from(row, ROOM_COLUMNS);
            messages.push(rows::message(&mut columns, room, history.epoch)?);
        }
    }
    Ok(messages)
}

/// Puts the reactions to the messages, which are neighbours in ascending order.
pub(crate) async fn add_reactions(
    connection: &mut SqliteConnection,
    room_id: i64,
    messages: &mut [Message],
) -> Result<(), Error> {
    let ([first, ..], [.., last]) = (&*messages, &*messages) else {
        return Ok(());
    };
    let found = query(
        "SELECT seq, emoji, user FROM reactions WHERE room_id = ?1 AND seq BETWEEN ?2 AND ?3 \
         ORDER BY seq, place",
    )
    .bind(room_id)
    .bind(rows::seq_number(first.seq()))
    .bind(rows::seq_number(last.seq()))
    .fetch_all(connection)
    .await?;
    let mut reactions: HashMap<Sequence, Vec<(Arc<str>, UserName)>> = HashMap::new();
    for row in &found {
        let mut columns = Columns::from(row, 0);
        let seq = columns.seq()?;
        let reaction = (columns.text()?, columns.user()?);
        reactions.entry(seq).or_default().push(reaction);
    }
    for message in messages {
        if let Some(reactions) = reactions.remove(&message.seq()) {
            message.reactions = group_reactions(reactions);
        }
    }
    Ok(())
}
