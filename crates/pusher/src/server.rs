//! What the server sends: one text frame, one object, one event.
//!
//! Page "Pusher Channels Protocol", sections on events that the server sends.

use crate::{
    Member, Refusal, SocketId,
    close::put_error,
    escape::{put_inner_text, put_text, text_bytes},
};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;
use std::{fmt::Write, num::NonZeroU32};

/// A frame of the server. The `data` of each is a string, which mostly holds JSON; that of an error
/// is an object, and that of a client event what the client sent.
#[derive(Clone, Copy, Debug)]
pub enum ServerFrame<'a> {
    /// `pusher:connection_established`: the first frame, before any other.
    ConnectionEstablished {
        /// The id of the connection.
        socket_id: SocketId,
        /// Silence after which the client asks whether the server is there. Clients fail on 0.
        activity_timeout_seconds: NonZeroU32,
    },
    /// `pusher_internal:subscription_succeeded`, on every channel but those of presence.
    Subscribed {
        /// Where the client is now.
        channel: &'a str,
    },
    /// `pusher_internal:subscription_succeeded` on a presence channel.
    SubscribedPresence {
        /// Where the client is now.
        channel: &'a str,
        /// Every user who is there, each once, the new one included.
        members: &'a [Present<'a>],
    },
    /// `pusher_internal:member_added`: the first connection of a user came.
    MemberAdded {
        /// Where.
        channel: &'a str,
        /// Who.
        member: Present<'a>,
    },
    /// `pusher_internal:member_removed`: the last connection of a user left.
    MemberRemoved {
        /// Where.
        channel: &'a str,
        /// Who.
        user_id: &'a str,
    },
    /// An event that was published.
    Event {
        /// Its name, in any characters.
        event: &'a str,
        /// Where.
        channel: &'a str,
        /// What was published; `None` where a client sent none.
        data: Option<Data<'a>>,
        /// Who sent it: a client's event on a presence channel says it.
        user_id: Option<&'a str>,
    },
    /// `pusher:cache_miss`: nothing is kept of this channel.
    CacheMiss {
        /// Where.
        channel: &'a str,
    },
    /// `pusher_internal:subscription_count`: how many are on a channel.
    SubscriptionCount {
        /// Where.
        channel: &'a str,
        /// How many connections.
        count: u64,
    },
    /// `pusher:signin_success`.
    SignedIn {
        /// What the client signed in with, byte for byte.
        user_data: &'a str,
    },
    /// `pusher_internal:watchlist_events`: who came and who left.
    Watchlist {
        /// The changes.
        changes: &'a [WatchlistChange<'a>],
    },
    /// `pusher:error`, after which the socket stays open. One that is followed by a close is made
    /// by [`CloseCode::announce`](crate::CloseCode::announce).
    Error(&'a Refusal<'a>),
    /// `pusher:ping`: asks whether the client is there.
    Ping,
    /// `pusher:pong`: answers a ping.
    Pong,
}

/// The data of an event.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// Text, which is written as a string.
    Text(&'a str),
    /// JSON, which is written as it is: a string as it came over HTTP, or what a client sent. Whoever
    /// hands it in has read it as JSON.
    Json(&'a str),
}

/// A member who is there.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// Who it is.
    pub user_id: &'a str,
    /// What the others are told, as JSON; written as `null` where there is nothing.
    pub user_info: Option<&'a str>,
}

impl<'a> From<&'a Member> for Present<'a> {
    fn from(member: &'a Member) -> Self {
        Self { user_id: &member.user_id, user_info: member.user_info.as_deref().map(RawValue::get) }
    }
}

/// Users of a watchlist who came or left.
#[derive(Clone, Copy, Debug)]
pub enum WatchlistChange<'a> {
    /// They have a connection now that is signed in.
    Online(&'a [&'a str]),
    /// They have none any more.
    Offline(&'a [&'a str]),
}

impl ServerFrame<'_> {
    /// The frame's text, in a buffer of its own that all who are sent it can share.
    pub fn to_bytes(&self) -> Bytes {
        let mut into = BytesMut::new();
        self.encode(&mut into);
        into.freeze()
    }

    /// Writes the frame's text behind what is in `into`, which grows at most once for an event.
    pub fn encode(&self, into: &mut BytesMut) {
        match *self {
            Self::ConnectionEstablished { socket_id, activity_timeout_seconds } => {
                put_established(into, socket_id, activity_timeout_seconds);
            }
            Self::Subscribed { channel } => {
                put_head(into, "pusher_internal:subscription_succeeded", channel);
                put(into, r#","data":"{}"}"#);
            }
            Self::SubscribedPresence { channel, members } => put_presence(into, channel, members),
            Self::MemberAdded { channel, member } => put_member_added(into, channel, member),
            Self::MemberRemoved { channel, user_id } => put_member_removed(into, channel, user_id),
            Self::Event { event, channel, data, user_id } => {
                put_event(into, (event, channel), data, user_id);
            }
            Self::CacheMiss { channel } => {
                put_head(into, "pusher:cache_miss", channel);
                put(into, "}");
            }
            Self::SubscriptionCount { channel, count } => {
                put_head(into, "pusher_internal:subscription_count", channel);
                put(into, r#","data":"{\"subscription_count\":"#);
                put_number(into, count);
                put(into, r#"}"}"#);
            }
            Self::SignedIn { user_data } => put_signed_in(into, user_data),
            Self::Watchlist { changes } => put_watchlist(into, changes),
            Self::Error(refusal) => {
                put_error(into, refusal.code().map(|code| code.number()), refusal);
            }
            Self::Ping => put(into, r#"{"event":"pusher:ping","data":"{}"}"#),
            Self::Pong => put(into, r#"{"event":"pusher:pong","data":"{}"}"#),
        }
    }
}

fn put_established(into: &mut BytesMut, socket_id: SocketId, activity_timeout: NonZeroU32) {
    put(into, r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\""#);
    write!(into, "{socket_id}").expect("a growing buffer takes every byte");
    put(into, r#"\",\"activity_timeout\":"#);
    put_number(into, activity_timeout);
    put(into, r#"}"}"#);
}

fn put_event(
    into: &mut BytesMut,
    (event, channel): (&str, &str),
    data: Option<Data<'_>>,
    user_id: Option<&str>,
) {
    const KEYS_BYTES: usize = r#"{"event":"","channel":"","data":"","user_id":""}"#.len();
    let data_bytes = match data {
        Some(Data::Text(text)) => text_bytes(text),
        Some(Data::Json(json)) => json.len(),
        None => 0,
    };
    let words = [event, channel, user_id.unwrap_or_default()];
    into.reserve(KEYS_BYTES + data_bytes + words.map(text_bytes).iter().sum::<usize>());

    put(into, r#"{"event":""#);
    put_text(event, into);
    put(into, r#"","channel":""#);
    put_text(channel, into);
    put(into, "\"");
    match data {
        Some(Data::Text(text)) => {
            put(into, r#","data":""#);
            put_text(text, into);
            put(into, "\"");
        }
        Some(Data::Json(json)) => {
            put(into, r#","data":"#);
            put(into, json);
        }
        None => {}
    }
    if let Some(user_id) = user_id {
        put(into, r#","user_id":""#);
        put_text(user_id, into);
        put(into, "\"");
    }
    put(into, "}");
}

fn put_presence(into: &mut BytesMut, channel: &str, members: &[Present<'_>]) {
    let member_bytes = |member: &Present<'_>| {
        let info_bytes = member.user_info.map_or(4, str::len);
        2 * member.user_id.len() + info_bytes + info_bytes / 4 + 16
    };
    into.reserve(160 + channel.len() + members.iter().map(member_bytes).sum::<usize>());

    put_head(into, "pusher_internal:subscription_succeeded", channel);
    put(into, r#","data":"{\"presence\":{\"ids\":["#);
    put_list(into, members, |into, member| put_inner_string(into, member.user_id));
    put(into, r#"],\"hash\":{"#);
    put_list(into, members, |into, member| {
        put_inner_string(into, member.user_id);
        put(into, ":");
        put_info(into, member.user_info);
    });
    put(into, r#"},\"count\":"#);
    put_number(into, members.len());
    put(into, r#"}}"}"#);
}

fn put_member_added(into: &mut BytesMut, channel: &str, member: Present<'_>) {
    put_head(into, "pusher_internal:member_added", channel);
    put(into, r#","data":"{\"user_id\":"#);
    put_inner_string(into, member.user_id);
    put(into, r#",\"user_info\":"#);
    put_info(into, member.user_info);
    put(into, r#"}"}"#);
}

fn put_member_removed(into: &mut BytesMut, channel: &str, user_id: &str) {
    put_head(into, "pusher_internal:member_removed", channel);
    put(into, r#","data":"{\"user_id\":"#);
    put_inner_string(into, user_id);
    put(into, r#"}"}"#);
}

fn put_signed_in(into: &mut BytesMut, user_data: &str) {
    put(into, r#"{"event":"pusher:signin_success","data":"{\"user_data\":"#);
    put_inner_string(into, user_data);
    put(into, r#"}"}"#);
}

fn put_watchlist(into: &mut BytesMut, changes: &[WatchlistChange<'_>]) {
    put(into, r#"{"event":"pusher_internal:watchlist_events","data":"{\"events\":["#);
    put_list(into, changes, |into, change| {
        let (name, user_ids) = match change {
            WatchlistChange::Online(user_ids) => ("online", user_ids),
            WatchlistChange::Offline(user_ids) => ("offline", user_ids),
        };
        put(into, r#"{\"name\":"#);
        put_inner_string(into, name);
        put(into, r#",\"user_ids\":["#);
        put_list(into, user_ids, |into, user_id| put_inner_string(into, user_id));
        put(into, "]}");
    });
    put(into, r#"]}"}"#);
}

// ---- pieces ----------------------------------------------------------------------------------

/// The name of a frame of the protocol, and its channel. What follows begins with a comma or ends it.
fn put_head(into: &mut BytesMut, event: &'static str, channel: &str) {
    put(into, r#"{"event":""#);
    put(into, event);
    put(into, r#"","channel":""#);
    put_text(channel, into);
    put(into, "\"");
}

/// A string in the JSON that is in the string `data`.
fn put_inner_string(into: &mut BytesMut, text: &str) {
    put(into, r#"\""#);
    put_inner_text(text, into);
    put(into, r#"\""#);
}

/// JSON in the JSON that is in the string `data`.
fn put_info(into: &mut BytesMut, user_info: Option<&str>) {
    put_text(user_info.unwrap_or("null"), into);
}

fn put_list<T>(into: &mut BytesMut, items: &[T], mut put_item: impl FnMut(&mut BytesMut, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            put(into, ",");
        }
        put_item(into, item);
    }
}

fn put_number(into: &mut BytesMut, number: impl std::fmt::Display) {
    write!(into, "{number}").expect("a growing buffer takes every byte");
}

fn put(into: &mut BytesMut, text: &str) {
    into.put_slice(text.as_bytes());
}
