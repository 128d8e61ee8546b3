//! The rooms of a batch, locked, with those of their members and keys that matter.

use super::{Append, Mark};
use crate::rows::{Columns, in_places, seq_number};
use campanile_core::{
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    room::RoomKind,
    time::Timestamp,
};
use sqlx::{Error, PgConnection, query};
use std::collections::{BTreeSet, HashMap};

/// A room as the transaction knows it, and as it will be.
pub(super) struct Room {
    pub(super) id: i64,
    pub(super) kind: RoomKind,
    pub(super) epoch: Epoch,
    pub(super) first_seq: Sequence,
    pub(super) last_seq: Sequence,
    /// The partition of its last message.
    pub(super) last_week: Option<i32>,
    /// When the first of its new messages was stored.
    pub(super) first_at: Option<Timestamp>,
    /// Where its messages go on in another week.
    pub(super) spans: Vec<(Sequence, i32)>,
    /// Some of its members, with what they have read.
    pub(super) members: HashMap<UserName, Sequence>,
}

/// A key that was used in an earlier transaction.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub(super) seq: Sequence,
    pub(super) at: Timestamp,
}

pub(super) type Rooms = HashMap<RoomName, Room>;

/// Locks the rooms, in the same order on every node, so that none waits for one that waits for it.
pub(super) async fn lock(
    connection: &mut PgConnection,
    appends: &[Append],
    marks: &[Mark],
) -> Result<Rooms, Error> {
    let of_appends = appends.iter().map(|append| append.draft.room.as_str());
    let names: BTreeSet<&str> =
        of_appends.chain(marks.iter().map(|mark| mark.room.as_str())).collect();
    let found = query(
        "SELECT name, id, kind, epoch, first_seq, last_seq, last_week FROM rooms \
         WHERE name = ANY ($1) ORDER BY name FOR NO KEY UPDATE",
    )
    .bind(names.into_iter().collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    let mut rooms = Rooms::new();
    for row in &found {
        let mut columns = Columns::of(row);
        let name = columns.room_name()?;
        let room = Room {
            id: columns.take()?,
            kind: columns.kind()?,
            epoch: columns.epoch()?,
            first_seq: columns.seq()?,
            last_seq: columns.seq()?,
            last_week: columns.take()?,
            first_at: None,
            spans: Vec::new(),
            members: HashMap::new(),
        };
        rooms.insert(name, room);
    }
    learn_members(connection, &mut rooms, appends, marks).await?;
    Ok(rooms)
}

async fn learn_members(
    connection: &mut PgConnection,
    rooms: &mut Rooms,
    appends: &[Append],
    marks: &[Mark],
) -> Result<(), Error> {
    let of_appends = appends.iter().map(|append| (&append.draft.room, &append.draft.from));
    let wanted: BTreeSet<(&RoomName, &UserName)> =
        of_appends.chain(marks.iter().map(|mark| (&mark.room, &mark.user))).collect();
    let wanted: Vec<_> = wanted.into_iter().filter(|(room, _)| rooms.contains_key(*room)).collect();
    let ids: Vec<i64> = wanted.iter().map(|(room, _)| rooms[*room].id).collect();
    let users: Vec<&str> = wanted.iter().map(|(_, user)| user.as_str()).collect();
    let found = query(
        "SELECT t.place, m.read_seq \
         FROM UNNEST($1::bigint[], $2::text[]) WITH ORDINALITY t (room_id, account, place) \
         JOIN members m ON m.room_id = t.room_id AND m.account = t.account",
    )
    .bind(ids)
    .bind(users)
    .fetch_all(connection)
    .await?;
    let read = in_places(wanted.len(), &found, |columns| columns.seq())?;
    for ((room, user), read) in wanted.into_iter().zip(read) {
        if let (Some(room), Some(read)) = (rooms.get_mut(room), read) {
            room.members.insert(user.clone(), read);
        }
    }
    Ok(())
}

/// Keys of the drafts that were used before, by the drafts' places.
pub(super) async fn find_keys(
    connection: &mut PgConnection,
    rooms: &Rooms,
    appends: &[Append],
) -> Result<HashMap<usize, Used>, Error> {
    let keyed: Vec<_> = appends
        .iter()
        .enumerate()
        .filter_map(|(place, Append { draft, .. })| {
            let (room, key) = (rooms.get(&draft.room)?, draft.key.as_deref()?);
            Some((place, room.id, draft.from.as_str(), key.as_bytes()))
        })
        .collect();
    if keyed.is_empty() {
        return Ok(HashMap::new());
    }
    let found = query(
        "SELECT t.place, k.seq, k.at \
         FROM UNNEST($1::bigint[], $2::text[], $3::bytea[]) WITH ORDINALITY \
         t (room_id, sender, key, place) \
         JOIN keys k ON k.room_id = t.room_id AND k.sender = t.sender AND k.key = t.key",
    )
    .bind(keyed.iter().map(|(_, id, _, _)| *id).collect::<Vec<_>>())
    .bind(keyed.iter().map(|(_, _, sender, _)| *sender).collect::<Vec<_>>())
    .bind(keyed.iter().map(|(_, _, _, key)| *key).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let used = in_places(keyed.len(), &found, |columns| {
        Ok(Used { seq: columns.seq()?, at: columns.time()? })
    })?;
    let places = keyed.iter().map(|(place, ..)| *place);
    Ok(places.zip(used).filter_map(|(place, used)| Some((place, used?))).collect())
}

/// Writes down where the rooms are now.
pub(super) async fn advance(connection: &mut PgConnection, rooms: &Rooms) -> Result<(), Error> {
    let grown: Vec<&Room> = rooms.values().filter(|room| room.first_at.is_some()).collect();
    if grown.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE rooms r SET last_seq = t.last_seq, last_week = t.week, \
         first_at = coalesce(r.first_at, t.at) \
         FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[]) \
         t (id, last_seq, week, at) WHERE r.id = t.id",
    )
    .bind(grown.iter().map(|room| room.id).collect::<Vec<_>>())
    .bind(grown.iter().map(|room| seq_number(room.last_seq)).collect::<Vec<_>>())
    .bind(grown.iter().map(|room| room.last_week).collect::<Vec<_>>())
    .bind(grown.iter().filter_map(|room| room.first_at).map(|at| at.0).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    let spans: Vec<(i64, i64, i32)> = grown
        .iter()
        .flat_map(|room| room.spans.iter().map(|(seq, week)| (room.id, seq_number(*seq), *week)))
        .collect();
    if spans.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO spans (room_id, first_seq, week) \
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[])",
    )
    .bind(spans.iter().map(|(id, _, _)| *id).collect::<Vec<_>>())
    .bind(spans.iter().map(|(_, seq, _)| *seq).collect::<Vec<_>>())
    .bind(spans.iter().map(|(_, _, week)| *week).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
