//! Rooms: making, finding, changing and deleting them.

use super::Chat;
use crate::{
    event::{Audience, Event, LeaveReason, Signal},
    name::{RoomName, UserName},
    port::{CreateRoomError, Fault, NewRoom, RoomChange},
    room::{Member, Role, Room, RoomKind, direct_room_name},
    user::Status,
};
use std::time::Duration;

/// Why a room may not be looked into.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is no such room, or none that this user may know of.
    #[error("there is no such room")]
    UnknownRoom,
    /// The user is no member.
    #[error("only members may do this; join the room first")]
    NotMember,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a room was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The room may not even be looked into.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Owners only; a direct room has none.
    #[error("only owners of the room may do this")]
    NotOwner,
    /// The topic is too long.
    #[error("a topic has at most {max} bytes, this one has {bytes}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// Messages cannot be kept for so long, or not for so short a time.
    #[error("a room keeps its messages for 1 to {} seconds", max.as_secs())]
    Retention {
        /// For how long they may be kept.
        max: Duration,
    },
}

impl From<Fault> for ManageError {
    fn from(fault: Fault) -> Self {
        Self::Access(fault.into())
    }
}

impl Chat {
    /// Makes a public or private room; `by` is its owner.
    pub async fn create_room(
        &self,
        by: &UserName,
        name: RoomName,
        kind: RoomKind,
    ) -> Result<Room, CreateRoomError> {
        let created_at = self.clock().now();
        let members = vec![by.clone()];
        let room = self.ports.rooms.create(NewRoom { name, kind, members, created_at }).await?;
        // The owner's other connections do not know of it yet.
        let joined = Event::Joined { room: room.name.clone(), user: by.clone(), role: Role::Owner };
        self.tell(Signal::Tell(Audience::User(by.clone()), joined)).await;
        Ok(room)
    }

    /// The direct room between two users, and whether it was made now. Both are told of a new one,
    /// on all their connections.
    pub async fn open_direct(
        &self,
        by: &UserName,
        with: &UserName,
    ) -> Result<(Room, bool), CreateRoomError> {
        let name = direct_room_name(by, with, self.digest);
        if let Some(room) = self.ports.rooms.find(&name).await? {
            return Ok((room, false));
        }
        let mut members = vec![by.clone()];
        if with != by {
            members.push(with.clone());
        }
        let created_at = self.clock().now();
        let kind = RoomKind::Direct;
        let new = NewRoom { name: name.clone(), kind, members: members.clone(), created_at };
        match self.ports.rooms.create(new).await {
            Ok(room) => {
                for told in &members {
                    for user in &members {
                        let (room, user) = (name.clone(), user.clone());
                        let joined = Event::Joined { room, user, role: Role::Member };
                        self.tell(Signal::Tell(Audience::User(told.clone()), joined)).await;
                    }
                }
                Ok((room, true))
            }
            // Both opened it at once: the other was first.
            Err(CreateRoomError::Exists) => match self.ports.rooms.find(&name).await? {
                Some(room) => Ok((room, false)),
                None => Err(CreateRoomError::Exists),
            },
            Err(error) => Err(error),
        }
    }

    /// A room that `viewer` may know of: a public one, or one of its own.
    pub async fn room(&self, viewer: &UserName, name: &RoomName) -> Result<Room, AccessError> {
        let room = self.ports.rooms.find(name).await?.ok_or(AccessError::UnknownRoom)?;
        if room.kind == RoomKind::Public || self.role(viewer, name).await?.is_some() {
            return Ok(room);
        }
        Err(AccessError::UnknownRoom)
    }

    /// Public rooms and those of `viewer`, by name.
    pub async fn rooms(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        self.ports.rooms.list(viewer, after, limit).await
    }

    /// The rooms a user belongs to, with its membership in each.
    pub async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        self.ports.members.rooms_of(user).await
    }

    /// Changes what a room is about, or how long its messages are kept.
    pub async fn change_room(
        &self,
        by: &UserName,
        name: &RoomName,
        change: RoomChange,
    ) -> Result<Room, ManageError> {
        let (bytes, max) =
            (change.topic.as_ref().map_or(0, String::len), self.limits().topic_bytes_max);
        if bytes > max {
            return Err(ManageError::TooLarge { bytes, max });
        }
        let max = self.limits().room_retention_max;
        let allowed = Duration::from_secs(1)..=max;
        if change.retention.flatten().is_some_and(|kept| !allowed.contains(&kept)) {
            return Err(ManageError::Retention { max });
        }
        self.owned(by, name).await?;
        let room = self.ports.rooms.change(name, change).await?;
        room.ok_or(ManageError::Access(AccessError::UnknownRoom))
    }

    /// Deletes a room with everything in it.
    pub async fn delete_room(&self, by: &UserName, name: &RoomName) -> Result<(), ManageError> {
        let kind = self.owned(by, name).await?;
        if !self.ports.rooms.delete(name).await? {
            return Err(ManageError::Access(AccessError::UnknownRoom));
        }
        let left =
            Event::Left { room: name.clone(), user: by.clone(), reason: LeaveReason::RoomDeleted };
        self.tell(Signal::Tell(Audience::Room(name.clone(), kind), left)).await;
        self.tell(Signal::Unsubscribe { room: name.clone(), user: None }).await;
        Ok(())
    }

    /// Members by name, with whether they are there.
    pub async fn members(
        &self,
        viewer: &UserName,
        name: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<(Member, Status)>, AccessError> {
        self.known(viewer, name).await?;
        Ok(self.members_with_status(name, after, limit).await?)
    }

    pub(super) async fn members_with_status(
        &self,
        name: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<(Member, Status)>, Fault> {
        let members = self.ports.members.members(name, after, limit).await?;
        let users: Vec<_> = members.iter().map(|member| member.user.clone()).collect();
        let statuses = self.ports.presence.statuses(&users).await?;
        Ok(members.into_iter().zip(statuses).collect())
    }

    pub(super) async fn role(
        &self,
        user: &UserName,
        room: &RoomName,
    ) -> Result<Option<Role>, Fault> {
        self.ports.members.role(room, user).await
    }

    /// The kind of a room that `viewer` may know of: a public one, or one of its own.
    pub(super) async fn known(
        &self,
        viewer: &UserName,
        name: &RoomName,
    ) -> Result<RoomKind, AccessError> {
        let kind = self.ports.rooms.kind(name).await?.ok_or(AccessError::UnknownRoom)?;
        if kind == RoomKind::Public || self.role(viewer, name).await?.is_some() {
            return Ok(kind);
        }
        Err(AccessError::UnknownRoom)
    }

    /// The kind of a room that `by` is a member of, and as what.
    pub(super) async fn entered(
        &self,
        by: &UserName,
        name: &RoomName,
    ) -> Result<(RoomKind, Role), AccessError> {
        let kind = self.ports.rooms.kind(name).await?.ok_or(AccessError::UnknownRoom)?;
        match (self.role(by, name).await?, kind) {
            (Some(role), _) => Ok((kind, role)),
            (None, RoomKind::Public) => Err(AccessError::NotMember),
            (None, _) => Err(AccessError::UnknownRoom),
        }
    }

    async fn owned(&self, by: &UserName, name: &RoomName) -> Result<RoomKind, ManageError> {
        match self.entered(by, name).await {
            Ok((kind, Role::Owner)) => Ok(kind),
            Ok(_) | Err(AccessError::NotMember) => Err(ManageError::NotOwner),
            Err(error) => Err(error.into()),
        }
    }
}
