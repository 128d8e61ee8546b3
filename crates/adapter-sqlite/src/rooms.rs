//! Rooms.

use crate::{
    SqliteStore,
    fault::fault,
    rows::{self, Columns, kind_number, limit_number, retention_number, role_number, room_columns},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    port::{CreateRoomError, Fault, NewRoom, RoomChange, RoomStore},
    room::{Role, Room, RoomKind},
};
use sqlx::{Error, SqliteConnection, query, query_scalar};
use std::collections::BTreeSet;

#[async_trait]
impl RoomStore for SqliteStore {
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError> {
        self.writer().change(Create(room)).await?
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        let mut reader = self.reader().await?;
        find(&mut reader, name).await.map_err(fault)
    }

    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault> {
        let mut reader = self.reader().await?;
        let found = query("SELECT kind FROM rooms WHERE name = ?1")
            .bind(name.as_str().to_owned())
            .fetch_optional(&mut *reader)
            .await
            .map_err(fault)?;
        let kind = found.map(|row| Columns::from(&row, 0).kind());
        kind.transpose().map_err(fault)
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        let mut reader = self.reader().await?;
        // Public rooms and own ones each by their index: other people's rooms, of which there are
        // many, are not looked at. No name is empty, so all are after the empty one.
        let found = query(concat!(
            "SELECT ",
            room_columns!(),
            " FROM rooms r WHERE r.id IN (\
             SELECT id FROM (SELECT id FROM rooms WHERE kind = 0 AND name > ?2 \
             ORDER BY name LIMIT ?3) \
             UNION ALL SELECT room_id FROM members WHERE user = ?1) \
             AND r.name > ?2 ORDER BY r.name LIMIT ?3"
        ))
        .bind(viewer.as_str().to_owned())
        .bind(after.map_or("", RoomName::as_str).to_owned())
        .bind(limit_number(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        let room = |row| rows::room(&mut Columns::from(row, 0));
        found.iter().map(room).collect::<Result<_, _>>().map_err(fault)
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        let name = name.clone();
        self.writer().change(Alter { name, change }).await
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        self.writer().change(Delete(name.clone())).await
    }
}

struct Create(NewRoom);

#[async_trait]
impl Change for Create {
    type Answer = Result<Room, CreateRoomError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self(new) = self;
        if find(ledger.connection(), &new.name).await?.is_some() {
            return Ok(Err(CreateRoomError::Exists));
        }
        let members: BTreeSet<&UserName> = new.members.iter().collect();
        for user in &members {
            let account: Option<i64> = query_scalar("SELECT 1 FROM accounts WHERE name = ?1")
                .bind(user.as_str().to_owned())
                .fetch_optional(ledger.connection())
                .await?;
            if account.is_none() {
                return Ok(Err(CreateRoomError::UnknownUser));
            }
        }
        let room = Room {
            name: new.name.clone(),
            kind: new.kind,
            topic: String::new(),
            retention: None,
            members: members.len() as u64,
            last_seq: Sequence(0),
            // SQLite's numbers have a sign.
            epoch: Epoch(rand::random::<u64>() >> 1),
            created_at: new.created_at,
        };
        let room_id = insert(ledger.connection(), &room).await?;
        for user in members {
            let owner = new.kind != RoomKind::Direct && new.members.first() == Some(user);
            let role = if owner { Role::Owner } else { Role::Member };
            query("INSERT INTO members (room_id, user, role, joined_at) VALUES (?1, ?2, ?3, ?4)")
                .bind(room_id)
                .bind(user.as_str().to_owned())
                .bind(role_number(role))
                .bind(new.created_at.0)
                .execute(ledger.connection())
                .await?;
        }
        Ok(Ok(room))
    }
}

struct Alter {
    name: RoomName,
    change: RoomChange,
}

#[async_trait]
impl Change for Alter {
    type Answer = Option<Room>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let RoomChange { topic, retention } = &self.change;
        query(
            "UPDATE rooms SET topic = coalesce(?1, topic), \
             retention = CASE WHEN ?2 THEN ?3 ELSE retention END WHERE name = ?4",
        )
        .bind(topic.clone())
        .bind(retention.is_some())
        .bind(retention.flatten().map(retention_number))
        .bind(self.name.as_str().to_owned())
        .execute(ledger.connection())
        .await?;
        find(ledger.connection(), &self.name).await
    }
}

struct Delete(RoomName);

#[async_trait]
impl Change for Delete {
    type Answer = bool;

    async fn make(&self, ledger: &mut Ledger) -> Result<bool, Error> {
        let Self(name) = self;
        let room_id: Option<i64> = query_scalar("SELECT id FROM rooms WHERE name = ?1")
            .bind(name.as_str().to_owned())
            .fetch_optional(ledger.connection())
            .await?;
        let Some(room_id) = room_id else {
            return Ok(false);
        };
        // Messages may be millions: they are out of reach now, and removed bit by bit.
        for statement in [
            "DELETE FROM members WHERE room_id = ?1",
            "DELETE FROM rooms WHERE id = ?1",
            "INSERT INTO graves (room_id) VALUES (?1)",
        ] {
            query(statement).bind(room_id).execute(ledger.connection()).await?;
        }
        ledger.forget_room(name);
        ledger.add_grave();
        Ok(true)
    }
}

async fn insert(connection: &mut SqliteConnection, room: &Room) -> Result<i64, Error> {
    let epoch = i64::try_from(room.epoch.0).expect("an epoch is made to fit");
    let inserted = query(
        "INSERT INTO rooms (name, kind, epoch, created_at, members) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(room.name.as_str().to_owned())
    .bind(kind_number(room.kind))
    .bind(epoch)
    .bind(room.created_at.0)
    .bind(room.members as i64)
    .execute(connection)
    .await?;
    Ok(inserted.last_insert_rowid())
}

async fn find(connection: &mut SqliteConnection, name: &RoomName) -> Result<Option<Room>, Error> {
    let found = query(concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.name = ?1"))
        .bind(name.as_str().to_owned())
        .fetch_optional(connection)
        .await?;
    let room = |row| rows::room(&mut Columns::from(row, 0));
    found.as_ref().map(room).transpose()
}
