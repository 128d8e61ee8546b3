//! Members.

use crate::{
    PostgresStore,
    membership::{Put, Remove},
    metrics::Statement,
    rows::{self, Columns, in_places, limit_number, member_columns, room_columns},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    name::{RoomName, UserName},
    port::{Fault, MemberError, MemberStore, PutMember},
    room::{Member, Role, Room},
};
use sqlx::{Error, PgConnection, query};

#[async_trait]
impl MemberStore for PostgresStore {
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError> {
        self.worker().change(Put { room, user, put }).await?
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        self.worker().change(Remove { room, user }).await?
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        let of = [(room.clone(), user.clone())];
        Ok(self.roles(&of).await?.remove(0))
    }

    async fn roles(&self, of: &[(RoomName, UserName)]) -> Result<Vec<Option<Role>>, Fault> {
        self.worker().read(Roles(of)).await
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault> {
        self.worker().read(Members { room, after, limit }).await
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        self.worker().read(RoomsOf(user)).await
    }
}

struct Roles<'a>(&'a [(RoomName, UserName)]);

#[async_trait]
impl Work for Roles<'_> {
    type Answer = Vec<Option<Role>>;
    const STATEMENT: Statement = Statement::MemberGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let rooms: Vec<&str> = self.0.iter().map(|(room, _)| room.as_str()).collect();
        let users: Vec<&str> = self.0.iter().map(|(_, user)| user.as_str()).collect();
        let found = query(
            "SELECT t.place, m.role \
             FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY t (room, account, place) \
             JOIN rooms r ON r.name = t.room \
             JOIN members m ON m.room_id = r.id AND m.account = t.account",
        )
        .bind(rooms)
        .bind(users)
        .fetch_all(connection)
        .await?;
        in_places(self.0.len(), &found, |columns| columns.role())
    }
}

struct Members<'a> {
    room: &'a RoomName,
    after: Option<&'a UserName>,
    limit: usize,
}

#[async_trait]
impl Work for Members<'_> {
    type Answer = Vec<Member>;
    const STATEMENT: Statement = Statement::MemberGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(concat!(
            "SELECT ",
            member_columns!(),
            " FROM members m JOIN accounts a ON a.name = m.account \
             WHERE m.room_id = (SELECT id FROM rooms WHERE name = $1) AND m.account > $2 \
             ORDER BY m.account LIMIT $3"
        ))
        .bind(self.room.as_str())
        .bind(self.after.map_or("", UserName::as_str))
        .bind(limit_number(self.limit))
        .fetch_all(connection)
        .await?;
        found.iter().map(|row| rows::member(&mut Columns::of(row))).collect()
    }
}

struct RoomsOf<'a>(&'a UserName);

#[async_trait]
impl Work for RoomsOf<'_> {
    type Answer = Vec<(Room, Member)>;
    const STATEMENT: Statement = Statement::MemberGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(concat!(
            "SELECT ",
            room_columns!(),
            ", ",
            member_columns!(),
            " FROM members m JOIN rooms r ON r.id = m.room_id \
             JOIN accounts a ON a.name = m.account WHERE m.account = $1 ORDER BY r.name"
        ))
        .bind(self.0.as_str())
        .fetch_all(connection)
        .await?;
        let both = |row| {
            let mut columns = Columns::of(row);
            Ok((rows::room(&mut columns)?, rows::member(&mut columns)?))
        };
        found.iter().map(both).collect()
    }
}
