//! What frames speak of: messages, members, and the words for their kinds.

use crate::{Epoch, Stamp};
use serde::{Deserialize, Serialize};

/// A stored message, in an event, an answer, or an answer over REST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Where it was said.
    pub room: String,
    /// Its place in the room: 1 for the first, without gaps.
    pub seq: u64,
    /// Its identity in the whole system.
    pub message_id: String,
    /// Who said it.
    pub from: String,
    /// What was said; empty once deleted.
    pub body: String,
    /// When it was stored.
    pub at: Stamp,
    /// The sender's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The `seq` of the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Stamp>,
    /// Whether it was deleted: its place stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Who reacted with what, in the order of the first of each kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

impl Message {
    /// The identity of the message at this place of this history.
    pub fn id(epoch: Epoch, seq: u64) -> String {
        format!("{epoch}-{seq}")
    }
}

/// One kind of reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who reacted so, first to last.
    pub users: Vec<String>,
}

/// A member of a room, as the answer to `join` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: String,
    /// As what.
    pub role: Role,
    /// Whether the user is there.
    pub status: Status,
    /// When the user's last connection ended; left out before the first did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Stamp>,
    /// The last message this member has read; 0 for none.
    pub read_seq: u64,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Invites, removes, changes and deletes.
    Owner,
    /// Speaks.
    Member,
}

/// Who may find and enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Listed for everyone; anyone may join.
    Public,
    /// Seen by members only.
    Private,
    /// Between two users.
    Direct,
}

/// Whether a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Connected and reachable.
    Available,
    /// Connected, not looking.
    Away,
    /// Connected, not to be disturbed.
    Dnd,
    /// Not connected, or hiding.
    Unavailable,
}
