//! Version 1 in JSON.

use crate::{
    Answer, BadFrame, BadRequest, Codec, Event, Refusal, Request, RequestFrame, RequestId,
    SUBPROTOCOL, ServerFrame, Since, Status,
};
use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// The codec of `campanile.v1.json`.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonV1;

impl Codec for JsonV1 {
    fn subprotocol(&self) -> &'static str {
        SUBPROTOCOL
    }

    fn decode_request(&self, frame: &[u8]) -> Result<RequestFrame, BadRequest> {
        decode_request(frame)
            .map_err(|error| BadRequest { id: id_of(frame), message: shorten(error.to_string()) })
    }

    fn encode(&self, frame: &ServerFrame, into: &mut BytesMut) {
        match frame {
            ServerFrame::Ok { id, answer } => write(&OkFrame { op: "ok", id, data: answer }, into),
            ServerFrame::Error { id, refusal } => {
                write(&ErrorFrame { op: "error", id: id.as_ref(), refusal }, into);
            }
            ServerFrame::Event(event) => write(event, into),
        }
    }

    fn encode_request(&self, frame: &RequestFrame, into: &mut BytesMut) {
        write(&RequestWithId { id: &frame.id, request: &frame.request }, into);
    }

    fn decode(&self, frame: &[u8]) -> Result<ServerFrame, BadFrame> {
        decode_server_frame(frame).map_err(|error| BadFrame(error.into()))
    }
}

fn write(frame: &impl Serialize, into: &mut BytesMut) {
    serde_json::to_writer(into.writer(), frame)
        .expect("frames have text keys, and a growing buffer takes every byte");
}

// ---- requests --------------------------------------------------------------------------------

fn decode_request(frame: &[u8]) -> Result<RequestFrame, FieldError> {
    let object: Object<Fields<'_>> = serde_json::from_slice(frame)?;
    let mut fields = object.0;
    let request = fields.take_request()?;
    fields.check_empty()?;
    Ok(RequestFrame { id: fields.id, request })
}

/// Every field of every request. One pass over the bytes fills it; what a request does not take
/// out of it is not one of its fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    id: RequestId,
    token: Option<String>,
    room: Option<String>,
    since: Option<Object<Since>>,
    body: Option<String>,
    key: Option<String>,
    reply_to: Option<u64>,
    seq: Option<u64>,
    emoji: Option<String>,
    on: Option<bool>,
    status: Option<Status>,
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
}

#[derive(Debug, thiserror::Error)]
enum FieldError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("unknown op")]
    UnknownOp,
    #[error("missing field `{0}`")]
    Missing(&'static str),
    #[error("field `{0}` does not belong to this op")]
    Unexpected(&'static str),
}

macro_rules! need {
    ($fields:ident.$name:ident) => {
        $fields.$name.take().ok_or(FieldError::Missing(stringify!($name)))?
    };
}

impl Fields<'_> {
    fn take_request(&mut self) -> Result<Request, FieldError> {
        Ok(match &*self.op {
            "hello" => Request::Hello { token: self.token.take() },
            "join" => Request::Join {
                room: need!(self.room),
                since: self.since.take().map(|object| object.0),
            },
            "leave" => Request::Leave { room: need!(self.room) },
            "send" => Request::Send {
                room: need!(self.room),
                body: need!(self.body),
                key: self.key.take(),
                reply_to: self.reply_to.take(),
            },
            "edit" => Request::Edit {
                room: need!(self.room),
                seq: need!(self.seq),
                body: need!(self.body),
            },
            "delete" => Request::Delete { room: need!(self.room), seq: need!(self.seq) },
            "react" => Request::React {
                room: need!(self.room),
                seq: need!(self.seq),
                emoji: need!(self.emoji),
                on: need!(self.on),
            },
            "typing" => Request::Typing { room: need!(self.room), on: need!(self.on) },
            "read" => Request::Read { room: need!(self.room), seq: need!(self.seq) },
            "presence" => Request::Presence { status: need!(self.status) },
            "history" => self.take_history()?,
            "ping" => Request::Ping,
            _ => return Err(FieldError::UnknownOp),
        })
    }

    fn take_history(&mut self) -> Result<Request, FieldError> {
        if self.before.is_some() && self.after.is_some() {
            return Err(FieldError::Unexpected("after"));
        }
        Ok(Request::History {
            room: need!(self.room),
            before: self.before.take(),
            after: self.after.take(),
            limit: self.limit.take(),
        })
    }

    fn check_empty(&self) -> Result<(), FieldError> {
        let left = [
            ("token", self.token.is_some()),
            ("room", self.room.is_some()),
            ("since", self.since.is_some()),
            ("body", self.body.is_some()),
            ("key", self.key.is_some()),
            ("reply_to", self.reply_to.is_some()),
            ("seq", self.seq.is_some()),
            ("emoji", self.emoji.is_some()),
            ("on", self.on.is_some()),
            ("status", self.status.is_some()),
            ("before", self.before.is_some()),
            ("after", self.after.is_some()),
            ("limit", self.limit.is_some()),
        ];
        match left.into_iter().find(|(_, is_left)| *is_left) {
            Some((name, _)) => Err(FieldError::Unexpected(name)),
            None => Ok(()),
        }
    }
}

/// Takes an object only. A derived reader also takes an array with the fields in their order, which
/// is no part of the protocol.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Object)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}

/// The id of a frame that is no request, where the frame is an object that has one.
fn id_of(frame: &[u8]) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct Head {
        id: RequestId,
    }
    serde_json::from_slice::<Object<Head>>(frame).ok().map(|object| object.0.id)
}

/// Parsers quote what they stumble over; a client is not sent its own kilobytes back.
fn shorten(mut message: String) -> String {
    const MESSAGE_BYTES_MAX: usize = 200;
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
    message
}

#[derive(Serialize)]
struct RequestWithId<'a> {
    id: &'a RequestId,
    #[serde(flatten)]
    request: &'a Request,
}

// ---- answers and events ----------------------------------------------------------------------

#[derive(Serialize)]
struct OkFrame<'a> {
    op: &'static str,
    id: &'a RequestId,
    data: &'a Answer,
}

#[derive(Serialize)]
struct ErrorFrame<'a> {
    op: &'static str,
    id: Option<&'a RequestId>,
    #[serde(flatten)]
    refusal: &'a Refusal,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
}

#[derive(Deserialize)]
struct OwnedOk {
    id: RequestId,
    data: Answer,
}

#[derive(Deserialize)]
struct OwnedError {
    id: Option<RequestId>,
    #[serde(flatten)]
    refusal: Refusal,
}

fn decode_server_frame(frame: &[u8]) -> serde_json::Result<ServerFrame> {
    let tag: Tag<'_> = serde_json::from_slice(frame)?;
    match &*tag.op {
        "ok" => {
            let OwnedOk { id, data } = serde_json::from_slice(frame)?;
            Ok(ServerFrame::Ok { id, answer: data })
        }
        "error" => {
            let OwnedError { id, refusal } = serde_json::from_slice(frame)?;
            Ok(ServerFrame::Error { id, refusal })
        }
        _ => serde_json::from_slice::<Event>(frame).map(ServerFrame::Event),
    }
}
