//! Messages, as they are read and written.

use crate::http::numbers;
use campanile_protocol::{Message, Stamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewMessage {
    /// At most 16384 bytes of UTF-8, and not only white space.
    #[schema(min_length = 1, max_length = 16384, pattern = r"[!-~]", example = "Good morning.")]
    pub(in crate::http) body: String,
    /// The `seq` of the message it answers, in the same room.
    #[serde(default, deserialize_with = "numbers::in_json")]
    #[schema(minimum = 1, maximum = 9007199254740991_i64, nullable = false)]
    pub(in crate::http) reply_to: Option<u64>,
}

/// What became of a sent message: it is in the store.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SentMessage {
    /// Its place in the room.
    #[schema(minimum = 1)]
    pub(in crate::http) seq: u64,
    pub(in crate::http) message_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) at: Stamp,
    /// Whether the idempotency key had been used: this is the first message then.
    pub(in crate::http) duplicate: bool,
}

/// A page of a room's messages.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct HistoryAnswer {
    /// Ascending by `seq`.
    #[schema(value_type = Vec<StoredMessage>)]
    pub(in crate::http) messages: Vec<Message>,
    /// Whether there is more beyond the page, in the direction asked for.
    pub(in crate::http) has_more: bool,
    /// Which history the numbers belong to.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    pub(in crate::http) epoch: String,
    /// The room's last message; 0 before the first.
    #[schema(minimum = 0)]
    pub(in crate::http) last_seq: u64,
}

/// A stored message.
///
/// It describes the protocol's message to readers of the API.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct StoredMessage {
    room: String,
    #[schema(minimum = 1)]
    seq: u64,
    message_id: String,
    from: String,
    /// Empty once deleted.
    body: String,
    #[schema(format = DateTime)]
    at: String,
    /// The sender's idempotency key.
    #[schema(nullable = false)]
    key: Option<String>,
    /// The `seq` of the message it answers.
    #[schema(minimum = 1, nullable = false)]
    reply_to: Option<u64>,
    #[schema(format = DateTime, nullable = false)]
    edited_at: Option<String>,
    /// Whether it was deleted: its place stays.
    #[schema(nullable = false)]
    deleted: Option<bool>,
    #[schema(nullable = false)]
    reactions: Option<Vec<Reaction>>,
}

/// One kind of reaction to a message.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Reaction {
    emoji: String,
    users: Vec<String>,
}
