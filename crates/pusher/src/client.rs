//! What clients send: one text frame, one object, one event.
//!
//! Page "Pusher Channels Protocol", sections on events that clients send and on client events.

use crate::{
    BadChannelName, BadJson, ChannelName, Limits,
    json::{need, object, optional_text, text},
    limits::is_longer,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A frame of a client that is well formed. Whether what it asks for is allowed is not known yet.
#[derive(Debug)]
pub enum ClientFrame<'a> {
    /// `pusher:subscribe`: wants the events of a channel.
    Subscribe(Subscribe),
    /// `pusher:unsubscribe`: wants no more of them. The name is not checked: either the socket is
    /// on a channel that is called so, or there is nothing to do.
    Unsubscribe {
        /// The name of a channel.
        channel: String,
    },
    /// `pusher:ping`: wants a pong.
    Ping,
    /// `pusher:pong`: answers a ping.
    Pong,
    /// `pusher:signin`: says which user this is.
    SignIn(SignIn),
    /// `client-…`: an event for the others on a channel.
    ClientEvent(ClientEvent<'a>),
}

/// Wants the events of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Which.
    pub channel: ChannelName,
    /// `key:signature`; `None` where it is missing or empty.
    pub auth: Option<String>,
    /// Who comes, exactly as it was signed; `None` where it is missing or empty.
    pub channel_data: Option<String>,
}

/// Says which user this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// `key:signature`.
    pub auth: String,
    /// The user as JSON, exactly as it was signed.
    pub user_data: String,
}

/// An event from a client for the others on a channel.
///
/// It holds all that is relayed; what else the frame held, such as a `user_id`, is gone.
#[derive(Clone, Debug)]
pub struct ClientEvent<'a> {
    /// The name, which begins with `client-`.
    pub event: Cow<'a, str>,
    /// The name of a channel, which is not checked: either the socket is on a channel that is
    /// called so, or the event is refused.
    pub channel: Cow<'a, str>,
    /// Any JSON, to the byte as it was sent; `None` where it is missing or null. It may hold the
    /// escape of half a surrogate pair, as JavaScript makes of a text that was cut: hand it on, and
    /// do not read it into text of ours.
    pub data: Option<&'a RawValue>,
}

/// Why a text is no frame of a client. No variant holds anything of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// The JSON, of the frame or of its data.
    #[error("{0}")]
    Json(#[from] BadJson),
    /// A name in the protocol's own space that clients do not send.
    #[error("unknown event in the space of the protocol")]
    UnknownEvent,
    /// A name of any other event.
    #[error("events of clients begin with client-")]
    NotAClientEvent,
    /// A name of a client event that is too long.
    #[error("the name of the event has more than {characters_max} characters")]
    NameTooLong {
        /// The limit.
        characters_max: usize,
    },
    /// The data of a client event is too long.
    #[error("the data of the event has more than {bytes_max} bytes")]
    DataTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// What should be subscribed to is no name of a channel.
    #[error("{0}")]
    Channel(#[from] BadChannelName),
}

impl<'a> ClientFrame<'a> {
    /// Reads a text frame. `text` may have any length: bound it before it is buffered.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, BadFrame> {
        let frame: Frame<'a> = object(text, limits.nesting_max)?;
        let event = self::text(need(frame.event, "event")?, "event")?;
        if let Some(name) = event.strip_prefix("pusher:") {
            return decode_own(name, &frame, limits);
        }
        if event.starts_with("pusher_internal:") {
            return Err(BadFrame::UnknownEvent);
        }
        if !event.starts_with("client-") {
            return Err(BadFrame::NotAClientEvent);
        }
        decode_client_event(event, &frame, limits).map(Self::ClientEvent)
    }
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn decode_own<'a>(
    name: &str,
    frame: &Frame<'a>,
    limits: &Limits,
) -> Result<ClientFrame<'a>, BadFrame> {
    match name {
        "ping" => Ok(ClientFrame::Ping),
        "pong" => Ok(ClientFrame::Pong),
        "subscribe" => decode_subscribe(&data_of(frame)?, limits),
        "unsubscribe" => decode_unsubscribe(&data_of(frame)?, limits),
        "signin" => decode_sign_in(&data_of(frame)?, limits),
        _ => Err(BadFrame::UnknownEvent),
    }
}

/// The `data` of a frame: an object, or a string that holds one.
fn data_of<'a>(frame: &Frame<'a>) -> Result<Cow<'a, str>, BadJson> {
    let data = need(frame.data, "data")?;
    match data.get().as_bytes() {
        [b'"', ..] => text(data, "data"),
        [b'{', ..] => Ok(Cow::Borrowed(data.get())),
        _ => Err(BadJson::WrongType("data")),
    }
}

fn decode_subscribe<'a>(data: &str, limits: &Limits) -> Result<ClientFrame<'a>, BadFrame> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        channel: Option<&'a RawValue>,
        #[serde(borrow)]
        auth: Option<&'a RawValue>,
        #[serde(borrow)]
        channel_data: Option<&'a RawValue>,
    }
    let fields: Fields<'_> = object(data, limits.nesting_max)?;
    let channel = text(need(fields.channel, "channel")?, "channel")?;
    let filled = |field, name| -> Result<Option<String>, BadJson> {
        let text = optional_text(field, name)?.filter(|text| !text.is_empty());
        Ok(text.map(Cow::into_owned))
    };
    Ok(ClientFrame::Subscribe(Subscribe {
        channel: ChannelName::parse(&channel, limits)?,
        auth: filled(fields.auth, "auth")?,
        channel_data: filled(fields.channel_data, "channel_data")?,
    }))
}

fn decode_unsubscribe<'a>(data: &str, limits: &Limits) -> Result<ClientFrame<'a>, BadFrame> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        channel: Option<&'a RawValue>,
    }
    let fields: Fields<'_> = object(data, limits.nesting_max)?;
    let channel = text(need(fields.channel, "channel")?, "channel")?.into_owned();
    Ok(ClientFrame::Unsubscribe { channel })
}

fn decode_sign_in<'a>(data: &str, limits: &Limits) -> Result<ClientFrame<'a>, BadFrame> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        auth: Option<&'a RawValue>,
        #[serde(borrow)]
        user_data: Option<&'a RawValue>,
    }
    let fields: Fields<'_> = object(data, limits.nesting_max)?;
    let auth = text(need(fields.auth, "auth")?, "auth")?.into_owned();
    let user_data = text(need(fields.user_data, "user_data")?, "user_data")?.into_owned();
    Ok(ClientFrame::SignIn(SignIn { auth, user_data }))
}

fn decode_client_event<'a>(
    event: Cow<'a, str>,
    frame: &Frame<'a>,
    limits: &Limits,
) -> Result<ClientEvent<'a>, BadFrame> {
    let characters_max = limits.event_name_characters_max;
    if is_longer(&event, characters_max) {
        return Err(BadFrame::NameTooLong { characters_max });
    }
    let bytes_max = limits.event_data_bytes_max;
    if frame.data.is_some_and(|data| data.get().len() > bytes_max) {
        return Err(BadFrame::DataTooLong { bytes_max });
    }
    let channel = text(need(frame.channel, "channel")?, "channel")?;
    Ok(ClientEvent { event, channel, data: frame.data })
}
