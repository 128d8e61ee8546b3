//! What is asked for many at once: where rooms are, who is what in them, which sessions ended.

use crate::{
    rows::{Columns, role},
    shapes::Shapes,
};
use campanile_core::{
    name::{RoomName, UserName},
    port::Head,
    room::Role,
    time::Timestamp,
    user::TokenHash,
};
use sqlx::{Error, SqliteConnection, sqlite::SqliteRow};
use std::sync::LazyLock;

/// Where each of these rooms is.
pub(crate) async fn heads(
    connection: &mut SqliteConnection,
    rooms: &[RoomName],
) -> Result<Vec<Option<Head>>, Error> {
    static FIND: LazyLock<Shapes> = LazyLock::new(|| {
        let find = "SELECT v.column2, r.epoch, r.amended_at, r.first_seq, \
             (SELECT max(l.seq) FROM messages l WHERE l.room_id = r.id) \
             FROM ROWS v CROSS JOIN rooms r ON r.name = v.column1";
        Shapes::new(find, 2)
    });
    let places: Vec<usize> = (0..rooms.len()).collect();
    let found = FIND
        .fetch(connection, &places, |query, place| {
            query.bind(rooms[*place].as_str().to_owned()).bind(*place as i64)
        })
        .await?;
    in_places(rooms.len(), &found, |columns| {
        let (epoch, amended_at) = (columns.epoch()?, columns.take::<Option<i64>>()?);
        let first_seq = columns.seq()?;
        let last_seq = columns.last_seq(first_seq)?;
        Ok(Head { epoch, last_seq, amended_at: amended_at.map(Timestamp) })
    })
}

/// The role of each user in its room.
pub(crate) async fn roles(
    connection: &mut SqliteConnection,
    of: &[(RoomName, UserName)],
) -> Result<Vec<Option<Role>>, Error> {
    static FIND: LazyLock<Shapes> = LazyLock::new(|| {
        let find = "SELECT v.column3, m.role FROM ROWS v \
             CROSS JOIN rooms r ON r.name = v.column1 \
             CROSS JOIN members m ON m.room_id = r.id AND m.user = v.column2";
        Shapes::new(find, 3)
    });
    let places: Vec<usize> = (0..of.len()).collect();
    let found = FIND
        .fetch(connection, &places, |query, place| {
            let (room, user) = &of[*place];
            query.bind(room.as_str().to_owned()).bind(user.as_str().to_owned()).bind(*place as i64)
        })
        .await?;
    in_places(of.len(), &found, |columns| role(columns.take()?))
}

/// Whether each of these tokens has no session any more.
pub(crate) async fn ended(
    connection: &mut SqliteConnection,
    tokens: &[TokenHash],
    now: Timestamp,
) -> Result<Vec<bool>, Error> {
    static FIND: LazyLock<Shapes> = LazyLock::new(|| {
        let find = "SELECT v.column3 FROM ROWS v CROSS JOIN sessions s ON s.token = v.column1 \
             JOIN accounts a ON a.name = s.user WHERE s.expires_at > v.column2 AND NOT a.banned";
        Shapes::new(find, 3)
    });
    let places: Vec<usize> = (0..tokens.len()).collect();
    let found = FIND
        .fetch(connection, &places, |query, place| {
            query.bind(tokens[*place].0.to_vec()).bind(now.0).bind(*place as i64)
        })
        .await?;
    let alive = in_places(tokens.len(), &found, |_| Ok(()))?;
    Ok(alive.iter().map(Option::is_none).collect())
}

/// What was found, each in the place that its row names first.
fn in_places<T>(
    count: usize,
    found: &[SqliteRow],
    read: impl Fn(&mut Columns<'_>) -> Result<T, Error>,
) -> Result<Vec<Option<T>>, Error> {
    let mut all: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for row in found {
        let mut columns = Columns::from(row, 0);
        let place: i64 = columns.take()?;
        all[place as usize] = Some(read(&mut columns)?);
    }
    Ok(all)
}
