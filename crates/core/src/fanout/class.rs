//! What a frame is: an answer, a message, a sign.

use crate::labels::{ChannelType, PresenceType};

/// What a frame is, which decides how it is counted and whether it may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An answer, a ping or a pong: never dropped, not counted as a message.
    Answer,
    /// A copy of a message. Never dropped: without it the connection ends.
    Message(ChannelType, Origin),
    /// An event that matters later: an edit, a membership. Never dropped.
    Lasting,
    /// An event that does not matter later.
    Ephemeral,
    /// A presence update; ephemeral.
    Presence(PresenceType),
}

/// Where the message of a copy was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On this node.
    Here,
    /// On another node.
    Elsewhere,
}
