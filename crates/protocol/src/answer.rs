//! Answers: what the server says to a request, and everything it says taken together.

use crate::{Epoch, Event, Member, Message, RequestId, RoomKind, Stamp};
use serde::{Deserialize, Serialize};

/// Anything the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame {
    /// A request was done.
    Ok {
        /// Which.
        id: RequestId,
        /// What it gave.
        answer: Answer,
    },
    /// A request was refused.
    Error {
        /// Which; `None` where it could not be read.
        id: Option<RequestId>,
        /// Why.
        refusal: Refusal,
    },
    /// Something happened.
    Event(Event),
}

/// What a request gave: `data` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `hello`.
    Welcome(Welcome),
    /// To `join`.
    Joined(JoinedRoom),
    /// To `send`.
    Sent(SentMessage),
    /// To `history`.
    History(HistoryPage),
    /// To every other request: `{}`.
    Done(Done),
}

impl Answer {
    /// The answer of requests that give nothing.
    pub const DONE: Self = Self::Done(Done {});
}

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Who the token says the client is.
    pub user: String,
    /// This connection's identity.
    pub connection: String,
    /// How often the server pings, and how long silence may last.
    pub ping_interval_ms: u64,
}

/// The answer to `join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedRoom {
    /// Which history the numbers belong to.
    pub epoch: Epoch,
    /// The room's last message; live events go on after it.
    pub last_seq: u64,
    /// With `since`: everything after it, ascending; without, or `truncated`, empty.
    pub messages: Vec<Message>,
    /// Whether what was missed could not be given: too much, or another epoch.
    pub truncated: bool,
    /// The room's members, by name, up to a limit.
    pub members: Vec<Member>,
    /// The room's kind.
    pub kind: RoomKind,
    /// What the room is about; empty for none.
    pub topic: String,
}

/// The answer to `send`, given only once the message is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// Its place in the room.
    pub seq: u64,
    /// Its identity.
    pub message_id: String,
    /// When it was stored.
    pub at: Stamp,
    /// Whether its key had been used: this is the first message then, and nothing was stored.
    pub duplicate: bool,
}

/// The answer to `history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// Ascending by `seq`.
    pub messages: Vec<Message>,
    /// Whether there is more beyond the page, in the direction asked for.
    pub has_more: bool,
}

/// An answer that says nothing but that it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What a program acts on.
    pub code: ErrorCode,
    /// What a person reads.
    pub message: String,
    /// How long to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What a program acts on; the same words as over REST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request makes no sense.
    BadRequest,
    /// Nobody has said who the client is.
    Unauthenticated,
    /// The client is known and may not.
    Forbidden,
    /// It is not there, or not to be seen by this client.
    NotFound,
    /// It collides with what is there.
    Conflict,
    /// It is longer than it may be.
    TooLarge,
    /// Too many in too short a time.
    RateLimited,
    /// Something the server needs is away: the same request may succeed later.
    Unavailable,
    /// The server is at fault.
    Internal,
}
