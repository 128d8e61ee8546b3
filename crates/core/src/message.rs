//! A message: what a sender drafts and what the store makes of it.

use crate::{name::RoomName, name::UserName, time::Timestamp};
use std::{fmt, sync::Arc};

/// A message's place in its room: 1 for the first, without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Which history a room's sequence numbers belong to; another one when it was lost or reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// A message's identity in the whole system: its room's epoch and its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The room's epoch, unique to the room.
    pub epoch: Epoch,
    /// The place in the room.
    pub seq: Sequence,
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.epoch, self.seq.0)
    }
}

/// A message that was not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where it is said.
    pub room: RoomName,
    /// Who says it.
    pub from: UserName,
    /// What is said: not empty.
    pub body: Arc<str>,
    /// The sender's key: a second draft with the same key is the same message.
    pub key: Option<Arc<str>>,
    /// The message it answers, in the same room.
    pub reply_to: Option<Sequence>,
}

/// A message that is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was said.
    pub room: RoomName,
    /// Its identity: the room's epoch and its place in it.
    pub id: MessageId,
    /// Who said it.
    pub from: UserName,
    /// What was said; empty once deleted.
    pub body: Arc<str>,
    /// When it was stored.
    pub at: Timestamp,
    /// The sender's key.
    pub key: Option<Arc<str>>,
    /// The message it answers.
    pub reply_to: Option<Sequence>,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted: its place stays.
    pub deleted: bool,
    /// Who reacted with what, in the order of the first of each kind.
    pub reactions: Vec<Reaction>,
}

impl Message {
    /// Its place in the room.
    pub fn seq(&self) -> Sequence {
        self.id.seq
    }
}

/// One kind of reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Arc<str>,
    /// Who reacted so, first to last.
    pub users: Vec<UserName>,
}

/// A change to a stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// The author says it otherwise.
    Edit {
        /// The new text: not empty.
        body: Arc<str>,
    },
    /// The author, or an owner of the room, takes it back.
    Delete,
    /// A member reacts, or takes the reaction back.
    React {
        /// The emoji.
        emoji: Arc<str>,
        /// Whether the reaction is put or taken.
        on: bool,
    },
}
