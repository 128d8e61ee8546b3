//! Rooms.

use super::Fault;
use crate::{
    name::{RoomName, UserName},
    room::{Room, RoomKind},
    time::Timestamp,
};
use async_trait::async_trait;
use std::time::Duration;

/// Keeps rooms. Each call is atomic and durable.
#[async_trait]
pub trait RoomStore: Send + Sync {
    /// Makes a room with its first members: one owner for public and private rooms, two members
    /// with equal rights for direct ones. A new room has a new random epoch and no messages.
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError>;

    /// The room of this name, if there is one.
    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault>;

    /// The kind of the room of this name, if there is one: what is asked again and again, and never
    /// changes while the room lives.
    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault>;

    /// Public rooms and those `viewer` is a member of, by name, from the one after `after`.
    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault>;

    /// Changes a room and answers with what it is now; `None` when there is none.
    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault>;

    /// Deletes a room with its members, messages and receipts; whether there was one. A room made
    /// later under the same name has another epoch.
    async fn delete(&self, name: &RoomName) -> Result<bool, Fault>;
}

/// A room to be made.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Its name.
    pub name: RoomName,
    /// Its kind.
    pub kind: RoomKind,
    /// Who is in it from the start: the owner, or the two of a direct room.
    pub members: Vec<UserName>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// A change to a room; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    /// What it is about.
    pub topic: Option<String>,
    /// How long its messages are kept, in whole seconds; `Some(None)` for as long as the server
    /// keeps those of other rooms.
    pub retention: Option<Option<Duration>>,
}

impl RoomChange {
    /// Says what the room is about.
    pub fn topic(topic: impl Into<String>) -> Self {
        Self { topic: Some(topic.into()), ..Self::default() }
    }

    /// Says how long its messages are kept.
    pub fn retention(kept: impl Into<Option<Duration>>) -> Self {
        Self { retention: Some(kept.into()), ..Self::default() }
    }
}

/// Why no room was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateRoomError {
    /// There is a room of this name.
    #[error("the room exists")]
    Exists,
    /// One of the first members has no account.
    #[error("there is no such user")]
    UnknownUser,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
