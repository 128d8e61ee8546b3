//! Membership: who joins, is invited, gets another role, leaves or is removed.

use super::{AccessError, Chat, Limited};
use crate::{
    event::{Audience, Event, LeaveReason, Signal},
    labels::JoinRefusal,
    name::{RoomName, UserName},
    port::{Fault, Limiter, LimiterContext, MemberError, PutMember},
    room::{Member, Role, Room, RoomKind},
};

/// Why a membership was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// There is no such room, or none that this user may know of.
    #[error("there is no such room")]
    UnknownRoom,
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The user is no member.
    #[error("the user is no member of the room")]
    NotMember,
    /// Only owners may do this.
    #[error("only owners of the room may do this")]
    NotOwner,
    /// Nobody joins or leaves a direct room.
    #[error("the members of a direct room do not change")]
    Direct,
    /// The room has as many members as it may have.
    #[error("the room is full")]
    Full,
    /// The room would have members and no owner.
    #[error("the last owner cannot go while others stay; make another member owner first")]
    LastOwner,
    /// Too many joins.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Chat {
    /// Makes `user` a member, or gives a member a role. Anyone may join a public room; owners
    /// invite and give roles.
    pub async fn put_member(
        &self,
        by: &UserName,
        name: &RoomName,
        user: &UserName,
        role: Option<Role>,
    ) -> Result<Member, MembershipError> {
        let found = self.visible(by, name).await;
        let room = found.inspect_err(|error| self.count_join_refusal(None, error))?;
        let kind = Some(room.kind);
        let allowed = self.put_allowed(by, &room, user, role).await;
        allowed.inspect_err(|error| self.count_join_refusal(kind, error))?;
        let put = self.put(&room, user, role).await;
        put.inspect_err(|error| self.count_join_refusal(kind, error))
    }

    /// Ends a membership: one's own, or as an owner another's.
    pub async fn remove_member(
        &self,
        by: &UserName,
        name: &RoomName,
        user: &UserName,
    ) -> Result<(), MembershipError> {
        let room = self.visible(by, name).await?;
        if room.kind == RoomKind::Direct {
            return Err(MembershipError::Direct);
        }
        let own = by == user;
        if !own && self.role(by, name).await? != Some(Role::Owner) {
            return Err(MembershipError::NotOwner);
        }
        self.ports.members.remove(name, user).await?;
        let reason = if own { LeaveReason::Left } else { LeaveReason::Removed };
        let left = Event::Left { room: name.clone(), user: user.clone(), reason };
        let audience = Audience::Room(name.clone(), room.kind);
        self.tell(Signal::Tell(audience, left.clone())).await;
        let (room, user) = (name.clone(), user.clone());
        self.tell(Signal::Unsubscribe { room, user: Some(user.clone()) }).await;
        // The user's other connections may not listen to the room.
        self.tell(Signal::Tell(Audience::User(user), left)).await;
        Ok(())
    }

    /// Makes a member and tells of it; changes nothing for somebody who is one already.
    pub(super) async fn put(
        &self,
        room: &Room,
        user: &UserName,
        role: Option<Role>,
    ) -> Result<Member, MembershipError> {
        let known = self.role(user, &room.name).await?;
        let members_max = self.limits().room_members_max;
        let put = PutMember { role, at: self.clock().now(), members_max };
        let member = self.ports.members.put(&room.name, user, put).await?;
        if known != Some(member.role) {
            let name = room.name.clone();
            let joined = Event::Joined { room: name, user: user.clone(), role: member.role };
            let audience = Audience::Room(room.name.clone(), room.kind);
            self.tell(Signal::Tell(audience, joined.clone())).await;
            if known.is_none() {
                self.tell(Signal::Tell(Audience::User(user.clone()), joined)).await;
            }
        }
        Ok(member)
    }

    async fn put_allowed(
        &self,
        by: &UserName,
        room: &Room,
        user: &UserName,
        role: Option<Role>,
    ) -> Result<(), MembershipError> {
        if room.kind == RoomKind::Direct {
            return Err(MembershipError::Direct);
        }
        let key = (Limiter::Join, LimiterContext::User);
        self.pass(key, by.as_str(), |rates| rates.joins_per_user).await?;
        let joins = by == user && room.kind == RoomKind::Public && role != Some(Role::Owner);
        let own_role = self.role(by, &room.name).await?;
        if own_role == Some(Role::Owner) || (joins && own_role.is_none()) {
            return Ok(());
        }
        // Joining again, as what one is, changes nothing.
        if by == user && own_role.is_some() && role.is_none_or(|role| Some(role) == own_role) {
            return Ok(());
        }
        Err(MembershipError::NotOwner)
    }

    async fn visible(&self, by: &UserName, name: &RoomName) -> Result<Room, MembershipError> {
        self.room(by, name).await.map_err(|error| match error {
            AccessError::Fault(fault) => MembershipError::Fault(fault),
            AccessError::UnknownRoom | AccessError::NotMember => MembershipError::UnknownRoom,
        })
    }

    fn count_join_refusal(&self, kind: Option<RoomKind>, error: &MembershipError) {
        let reason = match error {
            MembershipError::UnknownRoom => JoinRefusal::UnknownRoom,
            MembershipError::UnknownUser
            | MembershipError::NotMember
            | MembershipError::NotOwner
            | MembershipError::Direct
            | MembershipError::LastOwner => JoinRefusal::Forbidden,
            MembershipError::Full => JoinRefusal::Full,
            MembershipError::Limited(_) => JoinRefusal::RateLimited,
            MembershipError::Fault(_) => JoinRefusal::BackendError,
        };
        self.count_join_failure(kind, reason);
    }
}

impl From<MemberError> for MembershipError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::UnknownRoom => Self::UnknownRoom,
            MemberError::UnknownUser => Self::UnknownUser,
            MemberError::NotMember => Self::NotMember,
            MemberError::Full => Self::Full,
            MemberError::LastOwner => Self::LastOwner,
            MemberError::Fault(fault) => Self::Fault(fault),
        }
    }
}
