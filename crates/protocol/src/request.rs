//! Requests: what a client asks.

use crate::{Epoch, RequestId, Status};
use serde::{Deserialize, Serialize};

/// A request with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFrame {
    /// What the answer will carry too.
    pub id: RequestId,
    /// What is asked.
    pub request: Request,
}

/// What is asked. On the wire `op` names the variant, in lower case, beside `id` and the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Request {
    /// Says who the client is.
    Hello {
        /// The token of a log-in; may be left out where the upgrade carried it.
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// Listens to a room, becoming a member where that is open to anyone.
    Join {
        /// Which.
        room: String,
        /// What the client has already: asks for everything after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Since>,
    },
    /// Stops this connection's listening.
    Leave {
        /// To which room.
        room: String,
    },
    /// Says something.
    Send {
        /// Where.
        room: String,
        /// What.
        body: String,
        /// Makes a repeated request the same message.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The `seq` of the message it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
    },
    /// Says one's own message otherwise.
    Edit {
        /// Where.
        room: String,
        /// Which message.
        seq: u64,
        /// What it says from now on.
        body: String,
    },
    /// Takes a message back.
    Delete {
        /// Where.
        room: String,
        /// Which message.
        seq: u64,
    },
    /// Reacts to a message, or takes the reaction back.
    React {
        /// Where.
        room: String,
        /// To which message.
        seq: u64,
        /// With what.
        emoji: String,
        /// Whether the reaction is put.
        on: bool,
    },
    /// Says that one writes, or has stopped.
    Typing {
        /// Where.
        room: String,
        /// Whether.
        on: bool,
    },
    /// Says how far one has read.
    Read {
        /// Where.
        room: String,
        /// Up to which message.
        seq: u64,
    },
    /// Says whether one is there.
    Presence {
        /// The status of this connection.
        status: Status,
    },
    /// Reads older or newer messages: the newest where neither end is given.
    History {
        /// Where.
        room: String,
        /// Messages below this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// Messages above this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        /// At most so many, itself at most 200.
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Asks whether anybody is there.
    Ping,
}

/// How much of a room the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// Of which history.
    pub epoch: Epoch,
    /// Up to which message; 0 for none.
    pub seq: u64,
}
