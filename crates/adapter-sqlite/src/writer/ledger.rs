//! The writer's connection, and what it remembers of rooms and members.
//!
//! Only the writer writes, so what it remembers stays true; a guest process that writes all the
//! same is noticed at the start of the next transaction, and then nothing is remembered.

use crate::{Config, rows::Columns, shapes::Shapes};
use campanile_core::{
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    room::RoomKind,
    time::Timestamp,
};
use sqlx::{Error, SqliteConnection, query, query_scalar};
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
    time::Duration,
};

/// Rooms and members, together, that are remembered before all are forgotten.
const KNOWN_MAX: usize = 200_000;

/// The connection within a transaction.
pub(crate) struct Ledger {
    connection: SqliteConnection,
    data_version: i64,
    /// Whether another process has written since that was last asked; before it is first asked,
    /// nobody knows.
    changed_elsewhere: bool,
    rooms: HashMap<RoomName, Known>,
    known: usize,
    idempotency_window: Duration,
    reactions_per_message_max: usize,
    /// Rows written since the log was last copied into the file.
    pub(super) rows_in_log: usize,
    /// Keys written since old ones were last forgotten.
    pub(super) keys_written: usize,
    /// Whether there may be deleted rooms to clear away; there may be from an earlier life.
    pub(super) graves: bool,
}

/// A room as the writer remembers it.
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) kind: RoomKind,
    pub(super) epoch: Epoch,
    pub(super) first_seq: Sequence,
    pub(super) last_seq: Sequence,
    /// Some of its members, with what they have read.
    pub(super) members: HashMap<UserName, Sequence>,
}

impl Ledger {
    pub(super) fn new(connection: SqliteConnection, config: &Config) -> Self {
        Self {
            connection,
            data_version: 0,
            changed_elsewhere: true,
            rooms: HashMap::new(),
            known: 0,
            idempotency_window: config.idempotency_window,
            reactions_per_message_max: config.reactions_per_message_max,
            rows_in_log: 0,
            keys_written: 0,
            graves: true,
        }
    }

    pub(super) fn into_connection(self) -> SqliteConnection {
        self.connection
    }

    /// The connection to write with.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Distinct reactions on one message.
    pub(crate) fn reactions_per_message_max(&self) -> usize {
        self.reactions_per_message_max
    }

    /// The time since when a key used at `now` is remembered.
    pub(super) fn window_start(&self, now: Timestamp) -> Timestamp {
        now.minus(self.idempotency_window)
    }

    /// Forgets a room: it was changed or deleted.
    pub(crate) fn forget_room(&mut self, room: &RoomName) {
        self.rooms.remove(room);
    }

    /// Forgets a member: it became one, or is one no longer.
    pub(crate) fn forget_member(&mut self, room: &RoomName, user: &UserName) {
        if let Some(known) = self.rooms.get_mut(room) {
            known.members.remove(user);
        }
    }

    /// Forgets everything that is remembered.
    pub(crate) fn forget_all(&mut self) {
        self.rooms.clear();
        self.known = 0;
    }

    /// A deleted room has to be cleared away.
    pub(crate) fn add_grave(&mut self) {
        self.graves = true;
    }

    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        let data_version = query_scalar("BEGIN IMMEDIATE; PRAGMA data_version")
            .fetch_one(&mut self.connection)
            .await?;
        self.note(data_version);
        if self.known > KNOWN_MAX {
            self.forget_all();
        }
        Ok(())
    }

    /// Whether another process has written since this was last asked. Outside of a transaction it
    /// costs a look at the log's index, and waits for nobody.
    pub(super) async fn changed_elsewhere(&mut self) -> Result<bool, Error> {
        let data_version =
            query_scalar("PRAGMA data_version").fetch_one(&mut self.connection).await?;
        self.note(data_version);
        Ok(std::mem::take(&mut self.changed_elsewhere))
    }

    /// The version differs from the last one when others have written, and only then.
    fn note(&mut self, data_version: i64) {
        if self.data_version != data_version {
            self.data_version = data_version;
            self.changed_elsewhere = true;
            self.forget_all();
        }
    }

    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        query("COMMIT").execute(&mut self.connection).await?;
        Ok(())
    }

    /// Undoes everything since [`begin`](Self::begin). An error: the connection is of no use now.
    pub(super) async fn roll_back(&mut self) -> Result<(), Error> {
        self.forget_all();
        match query("ROLLBACK").execute(&mut self.connection).await {
            // SQLite has done so itself already.
            Err(Error::Database(error)) if error.message().contains("no transaction") => Ok(()),
            rolled_back => rolled_back.map(drop),
        }
    }

    /// A room that was [learnt](Self::learn) of.
    pub(super) fn room(&mut self, room: &RoomName) -> Option<&mut Known> {
        self.rooms.get_mut(room)
    }

    /// Makes sure that these rooms and members are remembered, as far as they exist.
    pub(super) async fn learn(&mut self, wanted: &[(&RoomName, &UserName)]) -> Result<(), Error> {
        let rooms: HashSet<&RoomName> = wanted
            .iter()
            .map(|(room, _)| *room)
            .filter(|room| !self.rooms.contains_key(*room))
            .collect();
        if !rooms.is_empty() {
            self.learn_rooms(&rooms.into_iter().collect::<Vec<_>>()).await?;
        }
        let members: HashSet<(i64, &RoomName, &UserName)> = wanted
            .iter()
            .filter_map(|(room, user)| {
                let known = self.rooms.get(*room)?;
                (!known.members.contains_key(*user)).then_some((known.id, *room, *user))
            })
            .collect();
        if !members.is_empty() {
            self.learn_members(&members.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    async fn learn_rooms(&mut self, wanted: &[&RoomName]) -> Result<(), Error> {
        static FIND: LazyLock<Shapes> = LazyLock::new(|| {
            let find = "SELECT r.name, r.id, r.kind, r.epoch, r.first_seq, \
                 (SELECT max(l.seq) FROM messages l WHERE l.room_id = r.id) \
                 FROM ROWS v CROSS JOIN rooms r ON r.name = v.column1";
            Shapes::new(find, 1)
        });
        let found = FIND
            .fetch(&mut self.connection, wanted, |query, room| query.bind(room.as_str().to_owned()))
            .await?;
        for row in found {
            let mut columns = Columns::from(&row, 0);
            let name = columns.room_name()?;
            let (id, kind, epoch) = (columns.take()?, columns.kind()?, columns.epoch()?);
            let first_seq = columns.seq()?;
            let last_seq = columns.last_seq(first_seq)?;
            let known = Known { id, kind, epoch, first_seq, last_seq, members: HashMap::new() };
            self.rooms.insert(name, known);
            self.known += 1;
        }
        Ok(())
    }

    async fn learn_members(&mut self, wanted: &[(i64, &RoomName, &UserName)]) -> Result<(), Error> {
        static FIND: LazyLock<Shapes> = LazyLock::new(|| {
            let find = "SELECT v.column3, m.read_seq FROM ROWS v CROSS JOIN members m \
                 ON m.room_id = v.column1 AND m.user = v.column2";
            Shapes::new(find, 3)
        });
        let places: Vec<usize> = (0..wanted.len()).collect();
        let found = FIND
            .fetch(&mut self.connection, &places, |query, place| {
                let (room_id, _, user) = wanted[*place];
                query.bind(room_id).bind(user.as_str().to_owned()).bind(*place as i64)
            })
            .await?;
        for row in found {
            let mut columns = Columns::from(&row, 0);
            let place: i64 = columns.take()?;
            let read_seq = columns.seq()?;
            let (_, room, user) = wanted[place as usize];
            if let Some(known) = self.rooms.get_mut(room) {
                known.members.insert(user.clone(), read_seq);
                self.known += 1;
            }
        }
        Ok(())
    }
}
