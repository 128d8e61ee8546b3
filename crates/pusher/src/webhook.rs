//! What an application is told over HTTP: who came, who left, what clients said.
//!
//! Page "Webhooks". A webhook is a `POST` with a JSON body, [`envelope`], and two headers:
//! [`KEY_HEADER`] says which key signs, [`SIGNATURE_HEADER`] is its signature of the body.

use crate::{Credentials, Signature, SocketId};
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The header that names the key.
pub const KEY_HEADER: &str = "X-Pusher-Key";

/// The header that holds [`sign`]'s result, in lower-case hexadecimal.
pub const SIGNATURE_HEADER: &str = "X-Pusher-Signature";

/// Something that happened in an application's channels.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Event<'a> {
    /// The first connection is on a channel.
    ChannelOccupied {
        /// Where.
        channel: &'a str,
    },
    /// The last connection left a channel, and none came for a while.
    ChannelVacated {
        /// Where.
        channel: &'a str,
    },
    /// A user is on a presence channel.
    MemberAdded {
        /// Where.
        channel: &'a str,
        /// Who.
        user_id: &'a str,
    },
    /// A user left a presence channel, and did not come back for a while.
    MemberRemoved {
        /// Where.
        channel: &'a str,
        /// Who.
        user_id: &'a str,
    },
    /// A client sent an event.
    ClientEvent {
        /// Where.
        channel: &'a str,
        /// The name of the event.
        event: &'a str,
        /// What was sent, to the byte.
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
        /// By which connection.
        #[serde(serialize_with = "as_text")]
        socket_id: SocketId,
        /// By whom; on presence channels only.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<&'a str>,
    },
    /// Someone came to a cache channel of which nothing is kept.
    CacheMiss {
        /// Where.
        channel: &'a str,
    },
    /// How many connections are on a channel.
    SubscriptionCount {
        /// Where.
        channel: &'a str,
        /// How many.
        subscription_count: u64,
    },
}

fn as_text<S: Serializer>(socket_id: &SocketId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(socket_id)
}

/// The body of a webhook: when it was made, in milliseconds of Unix time, and one event, or several
/// where they are batched. An event may also be a `RawValue` that was kept in a queue.
pub fn envelope(time_ms: u64, events: &[impl Serialize]) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a, E> {
        time_ms: u64,
        events: &'a [E],
    }
    let mut body = BytesMut::new();
    serde_json::to_writer((&mut body).writer(), &Envelope { time_ms, events })
        .expect("events have text keys, and a growing buffer takes every byte");
    body.freeze()
}

/// Signs the body, as it is sent.
pub fn sign(credentials: &Credentials, body: &[u8]) -> Signature {
    credentials.sign([body])
}
