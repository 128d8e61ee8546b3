//! Events: what the server says without having been asked.

use crate::{Message, Role, Stamp, Status};
use serde::{Deserialize, Serialize};

/// What happened. On the wire `op` names the variant, in snake case, beside the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Event {
    /// A message was said. Of a room, these come in order, each once.
    Message(Message),
    /// A message was edited.
    Edited(Edited),
    /// A message was deleted.
    Deleted(Deleted),
    /// A reaction was put or taken.
    Reaction(Reacted),
    /// A member writes, or stopped.
    Typing(Typing),
    /// A member has read further.
    Read(Read),
    /// A user came, went, or changed status.
    Presence(PresenceChanged),
    /// A user became a member, or has another role now.
    Joined(Joined),
    /// A user is a member no longer.
    Left(Left),
    /// What is known of the room is not to be relied on: read it again.
    Resync(Resync),
    /// The server is about to close the connection; another is ready.
    Draining(Draining),
}

/// A message was edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// Where.
    pub room: String,
    /// Which.
    pub seq: u64,
    /// What it says now.
    pub body: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Stamp,
}

/// A message was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Where.
    pub room: String,
    /// Which.
    pub seq: u64,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Stamp,
}

/// A reaction was put or taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reacted {
    /// Where.
    pub room: String,
    /// To which message.
    pub seq: u64,
    /// With what.
    pub emoji: String,
    /// Whether it was put.
    pub on: bool,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Stamp,
}

/// A member writes, or stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where.
    pub room: String,
    /// Who.
    pub user: String,
    /// Whether.
    pub on: bool,
}

/// A member has read further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Where.
    pub room: String,
    /// Who.
    pub user: String,
    /// Up to which message.
    pub seq: u64,
}

/// A user came, went, or changed status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChanged {
    /// Who.
    pub user: String,
    /// What the status is now.
    pub status: Status,
    /// When the last connection ended, where the user is not connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Stamp>,
}

/// A user became a member, or has another role now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Where.
    pub room: String,
    /// Who.
    pub user: String,
    /// As what.
    pub role: Role,
}

/// A user is a member no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Where.
    pub room: String,
    /// Who.
    pub user: String,
    /// Why.
    pub reason: LeaveReason,
}

/// Why somebody is a member no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Went.
    Left,
    /// Was removed by an owner.
    Removed,
    /// The room was deleted.
    RoomDeleted,
}

/// A room is to be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// Which.
    pub room: String,
    /// Why.
    pub reason: ResyncReason,
}

/// Why a room is to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// Messages in between could not be had.
    Gap,
    /// The room's history was reset.
    Epoch,
}

/// The server is about to close the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    /// In how many milliseconds, at most.
    pub after_ms: u64,
}
