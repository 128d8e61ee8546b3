//! Members of rooms.

use super::Fault;
use crate::{
    name::{RoomName, UserName},
    room::{Member, Role, Room},
    time::Timestamp,
};
use async_trait::async_trait;

/// Keeps who belongs to which room. Each call is atomic and durable.
///
/// A room that has members has an owner, direct rooms aside: a call that would leave members
/// without one is refused.
#[async_trait]
pub trait MemberStore: Send + Sync {
    /// Makes a user a member, or gives a member another role. `members_max` bounds the room;
    /// who is a member already is never refused by it.
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError>;

    /// Ends a membership. The last member may go, and leaves an empty room behind.
    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError>;

    /// The role of a user in a room; `None` for somebody who is no member, in a room that may not
    /// exist.
    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault>;

    /// The same for many, in their order.
    async fn roles(&self, of: &[(RoomName, UserName)]) -> Result<Vec<Option<Role>>, Fault>;

    /// Members by name, from the one after `after`; empty for a room that does not exist.
    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault>;

    /// The rooms a user is a member of, by name, with the last message that user has read there.
    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault>;
}

/// How a user becomes a member.
#[derive(Clone, Copy, Debug)]
pub struct PutMember {
    /// The role to have. `None`: no change for a member, and for somebody new [`Role::Member`],
    /// but [`Role::Owner`] where the room is empty and not direct.
    pub role: Option<Role>,
    /// When.
    pub at: Timestamp,
    /// How many members the room may have.
    pub members_max: usize,
}

/// Why a membership was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// There is no such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The user is no member.
    #[error("the user is no member of the room")]
    NotMember,
    /// The room has as many members as it may have.
    #[error("the room is full")]
    Full,
    /// The room would have members and no owner.
    #[error("the room would be left without an owner")]
    LastOwner,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
