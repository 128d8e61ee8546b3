//! The native wire protocol `campanile.v1.json`: its frames, their codes, and how they are written.
//!
//! Text frames, one JSON object each; a client's have at most [`FRAME_BYTES_MAX`] bytes. A client
//! sends [requests](Request), each with an [id](RequestId) of its choosing, and gets exactly one
//! answer with that id. The server also sends [events](Event), which carry no id. A [`Codec`] turns both
//! into bytes and back, for either end of the line.
//!
//! # A connection's life
//!
//! 1. The client connects, offering the subprotocol [`SUBPROTOCOL`], or none.
//! 2. It says `hello` with its token within ten seconds, or gave it as `Authorization: Bearer` with
//!    the upgrade; then `hello` is optional and only asks for the [`Welcome`]. Everything else is
//!    answered `unauthenticated` until then, and who is not known in time is closed with 1008.
//! 3. `join` listens to a room. In a public room anyone becomes a member by it. A private or
//!    direct room is joined by its members only: for others it is `not_found`, as if it were not
//!    there. `since` asks for what was missed: the answer holds every message after it, in order,
//!    or says `truncated`, and then the room is read anew through `history`.
//! 4. Live events of the room follow the answer, without a gap between the two. Messages of a room
//!    come in the order of `seq`, each once; other events may be left out for a slow reader.
//! 5. `leave` ends this connection's listening only. A membership ends over REST.
//! 6. Either end closes with one of the [close codes](CloseCode).
//!
//! # What is refused, and how
//!
//! A text frame that is no request (bad JSON, an unknown `op` or field, a field missing or
//! of the wrong type, a field twice) is answered with the error `bad_request`, with its id where one
//! could be read and `null` otherwise; the connection stays. A frame that breaks the layer below
//! closes it: 1007 for text that is not UTF-8, 1009 for more than 64 KiB or 64 fragments, 1002
//! for the rest. A binary frame is among the rest: nobody agreed on what it would mean.
//!
//! ```
//! use campanile_protocol::{Codec, JsonV1, Request, RequestFrame};
//!
//! let frame = JsonV1.decode_request(br#"{"op":"typing","id":7,"room":"lobby","on":true}"#).unwrap();
//! assert_eq!(frame.request, Request::Typing { room: "lobby".into(), on: true });
//! ```

mod answer;
mod close;
mod codec;
mod event;
mod event_stream;
mod id;
mod json;
mod object;
mod request;
mod stamp;

pub use answer::{
    Answer, Done, ErrorCode, HistoryPage, JoinedRoom, Refusal, SentMessage, ServerFrame, Welcome,
};
pub use close::CloseCode;
pub use codec::{BadFrame, BadRequest, Codec};
pub use event::{
    Deleted, Draining, Edited, Event, Joined, LeaveReason, Left, PresenceChanged, Reacted, Read,
    Resync, ResyncReason, Typing,
};
pub use event_stream::{
    HEARTBEAT, ID_FIELD, LastEventId, NoEventId, Position, STREAM_ROOMS_MAX, write_event,
    write_position,
};
pub use id::{ID_BYTES_MAX, RequestId};
pub use json::JsonV1;
pub use object::{Member, Message, Reaction, Role, RoomKind, Status};
pub use request::{Request, RequestFrame, Since};
pub use stamp::{Epoch, Stamp};

/// What a client offers as `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "campanile.v1.json";

/// Longest frame and longest message, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// Most fragments that one message may come in.
pub const FRAGMENTS_MAX: usize = 64;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
