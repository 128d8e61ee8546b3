//! What an application publishes: an event for some channels, or several events at once.

use super::{BadInfo, Info};
use crate::{
    BadChannelName, BadJson, BadSocketId, ChannelName, Limits, Query, SocketId,
    json::{Text, need, object, optional_text, text, text_bytes},
    limits::is_longer,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;

/// An event as an application publishes it.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Its name, in any characters, and not in the space of the protocol.
    pub name: Cow<'a, str>,
    /// A JSON string, which always is text in UTF-8, written as the application wrote it. As it is
    /// it goes into the frames, and is not read on the way.
    pub data: Cow<'a, RawValue>,
    /// The connection that is not sent the event, where it is one that there can be.
    pub except: Option<SocketId>,
    /// What the answer says of the channels.
    pub info: Info,
}

/// The body of `POST /apps/{id}/events`.
#[derive(Clone, Debug)]
pub struct Publish<'a> {
    /// The event.
    pub event: Event<'a>,
    /// Where: one channel up to the limit.
    pub channels: Vec<ChannelName>,
}

/// The body of `POST /apps/{id}/batch_events`.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The events, in the order in which they are published; none up to the limit.
    pub items: Vec<BatchItem<'a>>,
}

/// An event of a batch.
#[derive(Clone, Debug)]
pub struct BatchItem<'a> {
    /// The event.
    pub event: Event<'a>,
    /// Where.
    pub channel: ChannelName,
}

#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow)]
    channels: Option<&'a RawValue>,
    #[serde(borrow)]
    socket_id: Option<&'a RawValue>,
    #[serde(borrow)]
    info: Option<&'a RawValue>,
}

impl<'a> Publish<'a> {
    /// Reads the body. What it does not say may stand in the query, lists as `channels[]=`; the
    /// body may then be empty.
    pub fn parse(body: &'a [u8], query: &Query<'a>, limits: &Limits) -> Result<Self, BadPublish> {
        let fields = match body {
            [] => Fields::default(),
            _ => object(utf8(body)?, limits.nesting_max)?,
        };
        let channels = channels(&fields, query, limits)?;
        let encrypted = channels.iter().any(|channel| channel.kind().is_encrypted());
        if channels.len() > 1 && encrypted {
            return Err(BadPublish::SeveralWithEncrypted);
        }
        Ok(Self { event: event(&fields, query, limits)?, channels })
    }
}

impl<'a> Batch<'a> {
    /// Reads the body.
    pub fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, BadPublish> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            batch: Option<&'a RawValue>,
        }
        let body: Body<'a> = object(utf8(body)?, limits.nesting_max)?;
        let batch = need(body.batch, "batch")?;
        let items: Vec<&'a RawValue> =
            serde_json::from_str(batch.get()).map_err(|_| BadJson::WrongType("batch"))?;
        let events_max = limits.batch_events_max;
        if items.len() > events_max {
            return Err(BadPublish::BatchTooLong { events_max });
        }
        let items = items.into_iter().enumerate().map(|(index, item)| {
            BatchItem::parse(item.get(), limits)
                .map_err(|why| BadPublish::InBatch { index, why: Box::new(why) })
        });
        Ok(Self { items: items.collect::<Result<_, _>>()? })
    }
}

impl<'a> BatchItem<'a> {
    fn parse(item: &'a str, limits: &Limits) -> Result<Self, BadPublish> {
        let fields: Fields<'a> = object(item, limits.nesting_max)?;
        let channel = text(need(fields.channel, "channel")?, "channel")?;
        let channel = ChannelName::parse(&channel, limits)?;
        Ok(Self { event: event(&fields, &Query::parse(""), limits)?, channel })
    }
}

fn utf8(body: &[u8]) -> Result<&str, BadJson> {
    std::str::from_utf8(body).map_err(|_| BadJson::Broken)
}

/// `channels`, or else `channel`; what the body says, or else what the query says.
fn channels(
    fields: &Fields<'_>,
    query: &Query<'_>,
    limits: &Limits,
) -> Result<Vec<ChannelName>, BadPublish> {
    let names: Vec<Cow<'_, str>> = match (fields.channels, fields.channel) {
        (Some(list), _) => {
            let list: Vec<Text<'_>> =
                serde_json::from_str(list.get()).map_err(|_| BadJson::WrongType("channels"))?;
            list.into_iter().map(|text| text.0).collect()
        }
        (None, Some(name)) => vec![text(name, "channel")?],
        (None, None) => {
            let list = query.list("channels").chain(query.get("channel"));
            list.map(Cow::Borrowed).collect()
        }
    };
    let channels_max = limits.channels_per_event_max;
    match names.len() {
        0 => return Err(BadPublish::NoChannel),
        count if count > channels_max => return Err(BadPublish::TooManyChannels { channels_max }),
        _ => {}
    }
    let names = names.iter().map(|name| ChannelName::parse(name, limits));
    Ok(names.collect::<Result<_, _>>()?)
}

fn event<'a>(
    fields: &Fields<'a>,
    query: &Query<'a>,
    limits: &Limits,
) -> Result<Event<'a>, BadPublish> {
    let or_query = |field, name| -> Result<Option<Cow<'a, str>>, BadJson> {
        Ok(optional_text(field, name)?.or_else(|| query.take(name)))
    };
    let name = or_query(fields.name, "name")?.filter(|name| !name.is_empty());
    let name = name.ok_or(BadJson::Missing("name"))?;
    check_name(&name, limits)?;
    let data = match fields.data {
        Some(data) => Cow::Borrowed(data),
        None => {
            let text = query.get("data").ok_or(BadJson::Missing("data"))?;
            Cow::Owned(to_raw_value(text).expect("text is JSON"))
        }
    };
    check_data(&data, limits)?;
    let except = or_query(fields.socket_id, "socket_id")?.filter(|id| !id.is_empty());
    let info = or_query(fields.info, "info")?;
    Ok(Event {
        name,
        data,
        except: except.map_or(Ok(None), |id| socket_id(&id))?,
        info: Info::of_publish(info.as_deref())?,
    })
}

fn check_name(name: &str, limits: &Limits) -> Result<(), BadPublish> {
    let characters_max = limits.event_name_characters_max;
    if is_longer(name, characters_max) {
        return Err(BadPublish::NameTooLong { characters_max });
    }
    if name.starts_with("pusher:") || name.starts_with("pusher_internal:") {
        return Err(BadPublish::NameReserved);
    }
    Ok(())
}

fn check_data(data: &RawValue, limits: &Limits) -> Result<(), BadPublish> {
    let bytes_max = limits.event_data_bytes_max;
    match text_bytes(data) {
        None => Err(BadJson::WrongType("data").into()),
        Some(bytes) if bytes > bytes_max => Err(BadPublish::DataTooLong { bytes_max }),
        Some(_) => Ok(()),
    }
}

fn socket_id(text: &str) -> Result<Option<SocketId>, BadPublish> {
    match text.parse() {
        Ok(socket_id) => Ok(Some(socket_id)),
        Err(BadSocketId::NotOurs) => Ok(None),
        Err(shape) => Err(shape.into()),
    }
}

/// Why nothing is published: neither to some of the channels, nor some of the batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPublish {
    /// The JSON: none, no object, a field missing or of another type. 400.
    #[error("{0}")]
    Json(#[from] BadJson),
    /// A name that is too long. 400.
    #[error("the name of the event has more than {characters_max} characters")]
    NameTooLong {
        /// The limit.
        characters_max: usize,
    },
    /// A name in the space of the protocol. 400.
    #[error("names of events that begin with pusher: or pusher_internal: are reserved")]
    NameReserved,
    /// More data than an event may have. 413.
    #[error("the data of the event has more than {bytes_max} bytes")]
    DataTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// No channel is named. 400.
    #[error("no channel is named")]
    NoChannel,
    /// More channels than one event is published to. 400.
    #[error("more than {channels_max} channels")]
    TooManyChannels {
        /// The limit.
        channels_max: usize,
    },
    /// Several channels, of which one is encrypted: each has a secret of its own. 400.
    #[error("an event for an encrypted channel is published to that channel only")]
    SeveralWithEncrypted,
    /// A name that no channel has. 400.
    #[error("{0}")]
    Channel(#[from] BadChannelName),
    /// A text that is no id of a connection. 400.
    #[error("{0}")]
    SocketId(#[from] BadSocketId),
    /// The answer cannot say what it should. 400.
    #[error("{0}")]
    Info(#[from] BadInfo),
    /// More events than a batch may have. 400.
    #[error("more than {events_max} events in the batch")]
    BatchTooLong {
        /// The limit.
        events_max: usize,
    },
    /// One event of the batch. The status is its own.
    #[error("event {index} of the batch, counted from 0: {why}")]
    InBatch {
        /// Which.
        index: usize,
        /// What is wrong with it.
        why: Box<Self>,
    },
}

impl BadPublish {
    /// 413 for data that is too long, 400 for the rest.
    pub fn status(&self) -> u16 {
        match self {
            Self::DataTooLong { .. } => 413,
            Self::InBatch { why, .. } => why.status(),
            _ => 400,
        }
    }
}
