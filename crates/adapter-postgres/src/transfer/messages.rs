//! Where messages go: the weeks of each room, and the partitions for them.

use crate::{
    rows::{Columns, senseless},
    weeks::{self, week},
};
use campanile_core::{
    time::Timestamp,
    transfer::{Record, Value},
};
use sqlx::{Error, PgConnection, query};
use std::collections::{BTreeMap, HashSet};

/// Places messages, and knows which weeks have partitions.
#[derive(Debug, Default)]
pub(super) struct Messages {
    known: HashSet<i32>,
}

/// A room as its messages come.
struct Room {
    id: i64,
    last_week: Option<i32>,
    /// When the first of these messages was stored.
    first_at: Option<i64>,
    /// Where its messages go on in another week.
    spans: Vec<(i64, i32)>,
}

impl Messages {
    /// What was made may be undone.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The week of each message: that of its time, but never below that of the one before. Makes
    /// the partitions, and notes in the rooms where messages are.
    pub(super) async fn place(
        &mut self,
        connection: &mut PgConnection,
        records: &[Record],
    ) -> Result<Vec<i64>, Error> {
        let messages = records.iter().map(|record| read(record)).collect::<Result<Vec<_>, _>>()?;
        let mut rooms = find(connection, &messages).await?;
        let mut weeks = Vec::with_capacity(messages.len());
        for (name, seq, at) in &messages {
            let own = week(Timestamp(*at));
            // What belongs to no room is found out when it is written.
            let Some(room) = rooms.get_mut(name) else {
                weeks.push(i64::from(own));
                continue;
            };
            let week = room.last_week.map_or(own, |last| last.max(own));
            if room.last_week != Some(week) {
                room.last_week = Some(week);
                room.spans.push((*seq, week));
            }
            room.first_at.get_or_insert(*at);
            weeks.push(i64::from(week));
        }
        for week in &weeks {
            let week = i32::try_from(*week).map_err(senseless)?;
            if self.known.insert(week) {
                weeks::make(connection, week).await?;
            }
        }
        write(connection, &rooms).await?;
        Ok(weeks)
    }
}

/// The room, number and time of a message.
fn read(record: &[Value]) -> Result<(&str, i64, i64), Error> {
    match record {
        [Value::Text(room), Value::Integer(seq), _, _, Value::Integer(at), ..] => {
            Ok((room, *seq, *at))
        }
        _ => Err(senseless("this is no message")),
    }
}

async fn find<'a>(
    connection: &mut PgConnection,
    messages: &[(&'a str, i64, i64)],
) -> Result<BTreeMap<&'a str, Room>, Error> {
    let mut names: Vec<&str> = messages.iter().map(|(room, _, _)| *room).collect();
    names.dedup();
    let found = query("SELECT name, id, last_week FROM rooms WHERE name = ANY ($1)")
        .bind(&names)
        .fetch_all(connection)
        .await?;
    let mut rooms = BTreeMap::new();
    for row in &found {
        let mut columns = Columns::of(row);
        let name: &str = columns.take()?;
        let (id, last_week) = (columns.take()?, columns.take()?);
        if let Some(name) = names.iter().find(|known| **known == name) {
            rooms.insert(*name, Room { id, last_week, first_at: None, spans: Vec::new() });
        }
    }
    Ok(rooms)
}

async fn write(connection: &mut PgConnection, rooms: &BTreeMap<&str, Room>) -> Result<(), Error> {
    query(
        "UPDATE rooms r SET last_week = t.week, first_at = coalesce(r.first_at, t.at) \
         FROM UNNEST($1::bigint[], $2::integer[], $3::bigint[]) t (id, week, at) \
         WHERE r.id = t.id",
    )
    .bind(rooms.values().map(|room| room.id).collect::<Vec<_>>())
    .bind(rooms.values().map(|room| room.last_week).collect::<Vec<_>>())
    .bind(rooms.values().map(|room| room.first_at).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    let spans = || {
        let spans = |room: &Room| {
            let id = room.id;
            room.spans.clone().into_iter().map(move |(seq, week)| (id, seq, week))
        };
        rooms.values().flat_map(spans)
    };
    query(
        "INSERT INTO spans (room_id, first_seq, week) \
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[])",
    )
    .bind(spans().map(|(id, _, _)| id).collect::<Vec<_>>())
    .bind(spans().map(|(_, seq, _)| seq).collect::<Vec<_>>())
    .bind(spans().map(|(_, _, week)| week).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
