//! Members.

use crate::{
    SqliteStore,
    fault::fault,
    heads,
    membership::{Put, Remove},
    rows::{self, Columns, limit_number, member_columns, role, room_columns},
};
use async_trait::async_trait;
use campanile_core::{
    name::{RoomName, UserName},
    port::{Fault, MemberError, MemberStore, PutMember},
    room::{Member, Role, Room},
};
use sqlx::{query, query_scalar};

#[async_trait]
impl MemberStore for SqliteStore {
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError> {
        let (room, user) = (room.clone(), user.clone());
        self.writer().change(Put { room, user, put }).await?
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        let (room, user) = (room.clone(), user.clone());
        self.writer().change(Remove { room, user }).await?
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        let mut reader = self.reader().await?;
        let found: Option<i64> = query_scalar(
            "SELECT m.role FROM rooms r JOIN members m ON m.room_id = r.id AND m.user = ?2 \
             WHERE r.name = ?1",
        )
        .bind(room.as_str().to_owned())
        .bind(user.as_str().to_owned())
        .fetch_optional(&mut *reader)
        .await
        .map_err(fault)?;
        found.map(role).transpose().map_err(fault)
    }

    async fn roles(&self, of: &[(RoomName, UserName)]) -> Result<Vec<Option<Role>>, Fault> {
        let mut reader = self.reader().await?;
        heads::roles(&mut reader, of).await.map_err(fault)
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(concat!(
            "SELECT ",
            member_columns!(),
            " FROM members m JOIN accounts a ON a.name = m.user \
             WHERE m.room_id = (SELECT id FROM rooms WHERE name = ?1) AND m.user > ?2 \
             ORDER BY m.user LIMIT ?3"
        ))
        .bind(room.as_str().to_owned())
        .bind(after.map_or("", UserName::as_str).to_owned())
        .bind(limit_number(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        let member = |row| rows::member(&mut Columns::from(row, 0));
        found.iter().map(member).collect::<Result<_, _>>().map_err(fault)
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(concat!(
            "SELECT ",
            room_columns!(),
            ", ",
            member_columns!(),
            " FROM members m JOIN rooms r ON r.id = m.room_id \
             JOIN accounts a ON a.name = m.user WHERE m.user = ?1 ORDER BY r.name"
        ))
        .bind(user.as_str().to_owned())
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        let both = |row| {
            let mut columns = Columns::from(row, 0);
            Ok((rows::room(&mut columns)?, rows::member(&mut columns)?))
        };
        found.iter().map(both).collect::<Result<_, _>>().map_err(fault)
    }
}
