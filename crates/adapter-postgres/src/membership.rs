//! Changes of membership: who may come, who may go, and what must stay. The room's row is locked
//! first, so that of many changes at once each knows what the others did.

use crate::{
    metrics::Statement,
    rows::{Columns, role_number},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{MemberError, PutMember},
    room::{Member, Role, RoomKind},
    time::Timestamp,
};
use sqlx::{Error, PgConnection, query, query_scalar};

/// Makes a member, or gives one another role.
pub(crate) struct Put<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) user: &'a UserName,
    pub(crate) put: PutMember,
}

/// Ends a membership.
pub(crate) struct Remove<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) user: &'a UserName,
}

/// A room, as far as it matters for who may be a member.
struct House {
    id: i64,
    kind: RoomKind,
    members: u64,
}

/// A membership as it is.
struct Membership {
    role: Role,
    joined_at: Timestamp,
    read_seq: Sequence,
}

#[async_trait]
impl Work for Put<'_> {
    type Answer = Result<Member, MemberError>;
    const STATEMENT: Statement = Statement::MemberPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { room, user, put } = self;
        let Some(house) = House::lock(connection, room).await? else {
            return Ok(Err(MemberError::UnknownRoom));
        };
        let seen: Option<Option<i64>> =
            query_scalar("SELECT last_seen FROM accounts WHERE name = $1")
                .bind(user.as_str())
                .fetch_optional(&mut *connection)
                .await?;
        let Some(last_seen) = seen else {
            return Ok(Err(MemberError::UnknownUser));
        };
        let known = house.member(connection, user).await?;
        if known.is_none() && house.members >= put.members_max as u64 {
            return Ok(Err(MemberError::Full));
        }
        let fallback = match &known {
            Some(known) => known.role,
            None if house.members == 0 && house.kind != RoomKind::Direct => Role::Owner,
            None => Role::Member,
        };
        let role = put.role.unwrap_or(fallback);
        if role == Role::Member && !house.owned_without(connection, user).await? {
            return Ok(Err(MemberError::LastOwner));
        }
        let membership = Membership {
            role,
            joined_at: known.as_ref().map_or(put.at, |known| known.joined_at),
            read_seq: known.as_ref().map_or(Sequence(0), |known| known.read_seq),
        };
        match known {
            Some(_) => house.set_role(connection, user, role).await?,
            None => house.add(connection, user, &membership).await?,
        }
        Ok(Ok(Member {
            user: (*user).clone(),
            role,
            joined_at: membership.joined_at,
            read_seq: membership.read_seq,
            last_seen: last_seen.map(Timestamp),
        }))
    }
}

#[async_trait]
impl Work for Remove<'_> {
    type Answer = Result<(), MemberError>;
    const STATEMENT: Statement = Statement::MemberPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { room, user } = self;
        let Some(house) = House::lock(connection, room).await? else {
            return Ok(Err(MemberError::UnknownRoom));
        };
        if house.member(connection, user).await?.is_none() {
            return Ok(Err(MemberError::NotMember));
        }
        if house.members > 1 && !house.owned_without(connection, user).await? {
            return Ok(Err(MemberError::LastOwner));
        }
        house.remove(connection, user).await?;
        Ok(Ok(()))
    }
}

impl House {
    async fn lock(connection: &mut PgConnection, room: &RoomName) -> Result<Option<Self>, Error> {
        let found = query("SELECT id, kind, members FROM rooms WHERE name = $1 FOR NO KEY UPDATE")
            .bind(room.as_str())
            .fetch_optional(connection)
            .await?;
        let house = found.map(|row| {
            let mut columns = Columns::of(&row);
            Ok(Self { id: columns.take()?, kind: columns.kind()?, members: columns.count()? })
        });
        house.transpose()
    }

    async fn member(
        &self,
        connection: &mut PgConnection,
        user: &UserName,
    ) -> Result<Option<Membership>, Error> {
        let found = query(
            "SELECT role, joined_at, read_seq FROM members WHERE room_id = $1 AND account = $2",
        )
        .bind(self.id)
        .bind(user.as_str())
        .fetch_optional(connection)
        .await?;
        let membership = found.map(|row| {
            let mut columns = Columns::of(&row);
            Ok(Membership {
                role: columns.role()?,
                joined_at: columns.time()?,
                read_seq: columns.seq()?,
            })
        });
        membership.transpose()
    }

    /// Whether the room would still have an owner, or needs none, were this user not its owner.
    async fn owned_without(
        &self,
        connection: &mut PgConnection,
        user: &UserName,
    ) -> Result<bool, Error> {
        if self.kind == RoomKind::Direct {
            return Ok(true);
        }
        query_scalar(
            "SELECT EXISTS \
             (SELECT 1 FROM members WHERE room_id = $1 AND role = 1 AND account <> $2)",
        )
        .bind(self.id)
        .bind(user.as_str())
        .fetch_one(connection)
        .await
    }

    async fn set_role(
        &self,
        connection: &mut PgConnection,
        user: &UserName,
        role: Role,
    ) -> Result<(), Error> {
        query("UPDATE members SET role = $1 WHERE room_id = $2 AND account = $3")
            .bind(role_number(role))
            .bind(self.id)
            .bind(user.as_str())
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn add(
        &self,
        connection: &mut PgConnection,
        user: &UserName,
        membership: &Membership,
    ) -> Result<(), Error> {
        query("INSERT INTO members (room_id, account, role, joined_at) VALUES ($1, $2, $3, $4)")
            .bind(self.id)
            .bind(user.as_str())
            .bind(role_number(membership.role))
            .bind(membership.joined_at.0)
            .execute(&mut *connection)
            .await?;
        query("UPDATE rooms SET members = members + 1 WHERE id = $1")
            .bind(self.id)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn remove(&self, connection: &mut PgConnection, user: &UserName) -> Result<(), Error> {
        query("DELETE FROM members WHERE room_id = $1 AND account = $2")
            .bind(self.id)
            .bind(user.as_str())
            .execute(&mut *connection)
            .await?;
        query("UPDATE rooms SET members = members - 1 WHERE id = $1")
            .bind(self.id)
            .execute(connection)
            .await?;
        Ok(())
    }
}
