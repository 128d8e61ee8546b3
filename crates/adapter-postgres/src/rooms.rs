//! Rooms.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{self, Columns, kind_number, limit_number, retention_number, role_number, room_columns},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    port::{CreateRoomError, Fault, NewRoom, RoomChange, RoomStore},
    room::{Role, Room, RoomKind},
};
use sqlx::{Error, PgConnection, query, query_scalar};
use std::collections::BTreeSet;

#[async_trait]
impl RoomStore for PostgresStore {
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError> {
        // The numbers of the database have a sign.
        let epoch = Epoch(rand::random::<u64>() >> 1);
        self.worker().change(Create { room, epoch }).await?
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        self.worker().read(Find(name)).await
    }

    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault> {
        self.worker().read(Kind(name)).await
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        self.worker().read(List { viewer, after, limit }).await
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        self.worker().change(Alter { name, change }).await
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        self.worker().change(Delete(name)).await
    }
}

struct Create {
    room: NewRoom,
    epoch: Epoch,
}

#[async_trait]
impl Work for Create {
    type Answer = Result<Room, CreateRoomError>;
    const STATEMENT: Statement = Statement::RoomPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { room: new, epoch } = self;
        let exists: bool = query_scalar("SELECT EXISTS (SELECT 1 FROM rooms WHERE name = $1)")
            .bind(new.name.as_str())
            .fetch_one(&mut *connection)
            .await?;
        if exists {
            return Ok(Err(CreateRoomError::Exists));
        }
        let members: BTreeSet<&UserName> = new.members.iter().collect();
        let names: Vec<&str> = members.iter().map(|user| user.as_str()).collect();
        let known: Vec<String> =
            query_scalar("SELECT name FROM accounts WHERE name = ANY ($1) FOR KEY SHARE")
                .bind(&names)
                .fetch_all(&mut *connection)
                .await?;
        if known.len() < names.len() {
            return Ok(Err(CreateRoomError::UnknownUser));
        }
        let room_id: Option<i64> = query_scalar(
            "INSERT INTO rooms (name, kind, epoch, created_at, members) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id",
        )
        .bind(new.name.as_str())
        .bind(kind_number(new.kind))
        .bind(i64::try_from(epoch.0).map_err(rows::senseless)?)
        .bind(new.created_at.0)
        .bind(members.len() as i64)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(room_id) = room_id else {
            return Ok(Err(CreateRoomError::Exists));
        };
        let role = |user: &&UserName| {
            let owner = new.kind != RoomKind::Direct && new.members.first() == Some(*user);
            role_number(if owner { Role::Owner } else { Role::Member })
        };
        let roles: Vec<i16> = members.iter().map(role).collect();
        query(
            "INSERT INTO members (room_id, account, role, joined_at) \
             SELECT $1, t.account, t.role, $4 \
             FROM UNNEST($2::text[], $3::smallint[]) t (account, role)",
        )
        .bind(room_id)
        .bind(&names)
        .bind(roles)
        .bind(new.created_at.0)
        .execute(connection)
        .await?;
        Ok(Ok(Room {
            name: new.name.clone(),
            kind: new.kind,
            topic: String::new(),
            retention: None,
            members: members.len() as u64,
            last_seq: Sequence(0),
            epoch: *epoch,
            created_at: new.created_at,
        }))
    }
}

struct Find<'a>(&'a RoomName);

#[async_trait]
impl Work for Find<'_> {
    type Answer = Option<Room>;
    const STATEMENT: Statement = Statement::RoomGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(concat!("SELECT ", room_columns!(), " FROM rooms r WHERE r.name = $1"))
            .bind(self.0.as_str())
            .fetch_optional(connection)
            .await?;
        found.map(|row| rows::room(&mut Columns::of(&row))).transpose()
    }
}

struct Kind<'a>(&'a RoomName);

#[async_trait]
impl Work for Kind<'_> {
    type Answer = Option<RoomKind>;
    const STATEMENT: Statement = Statement::RoomGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query("SELECT kind FROM rooms WHERE name = $1")
            .bind(self.0.as_str())
            .fetch_optional(connection)
            .await?;
        found.map(|row| Columns::of(&row).kind()).transpose()
    }
}

struct List<'a> {
    viewer: &'a UserName,
    after: Option<&'a RoomName>,
    limit: usize,
}

#[async_trait]
impl Work for List<'_> {
    type Answer = Vec<Room>;
    const STATEMENT: Statement = Statement::RoomGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        // Public rooms and own ones each by their index: other people's rooms, of which there are
        // many, are not looked at. No name is empty, so all are after the empty one.
        let found = query(concat!(
            "SELECT ",
            room_columns!(),
            " FROM rooms r WHERE r.id IN (\
             (SELECT id FROM rooms WHERE kind = 0 AND name > $2 ORDER BY name LIMIT $3) \
             UNION SELECT room_id FROM members WHERE account = $1) \
             AND r.name > $2 ORDER BY r.name LIMIT $3"
        ))
        .bind(self.viewer.as_str())
        .bind(self.after.map_or("", RoomName::as_str))
        .bind(limit_number(self.limit))
        .fetch_all(connection)
        .await?;
        found.iter().map(|row| rows::room(&mut Columns::of(row))).collect()
    }
}

struct Alter<'a> {
    name: &'a RoomName,
    change: RoomChange,
}

#[async_trait]
impl Work for Alter<'_> {
    type Answer = Option<Room>;
    const STATEMENT: Statement = Statement::RoomPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let RoomChange { topic, retention } = &self.change;
        query(
            "UPDATE rooms SET topic = coalesce($1, topic), \
             retention = CASE WHEN $2 THEN $3 ELSE retention END WHERE name = $4",
        )
        .bind(topic.as_deref().map(str::as_bytes))
        .bind(retention.is_some())
        .bind(retention.flatten().map(retention_number))
        .bind(self.name.as_str())
        .execute(&mut *connection)
        .await?;
        Find(self.name).run(connection).await
    }
}

struct Delete<'a>(&'a RoomName);

#[async_trait]
impl Work for Delete<'_> {
    type Answer = bool;
    const STATEMENT: Statement = Statement::RoomPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let room_id: Option<i64> = query_scalar("SELECT id FROM rooms WHERE name = $1 FOR UPDATE")
            .bind(self.0.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        let Some(room_id) = room_id else {
            return Ok(false);
        };
        // Messages may be millions: they are out of reach now, and removed bit by bit.
        for statement in [
            "DELETE FROM members WHERE room_id = $1",
            "DELETE FROM rooms WHERE id = $1",
            "INSERT INTO graves (room_id) VALUES ($1)",
        ] {
            query(statement).bind(room_id).execute(&mut *connection).await?;
        }
        Ok(true)
    }
}
