//! Events as server-sent events, for clients that only listen: `text/event-stream`.
//!
//! The data of an event is what the WebSocket says, to the byte. A message has an id, from which a
//! client that comes back goes on.

use crate::{Codec, Epoch, Event, JsonV1, ServerFrame};
use bytes::{BufMut, BytesMut};
use std::{fmt, str::FromStr};

/// Rooms that one stream tells of: as many positions still fit into a request's header.
pub const STREAM_ROOMS_MAX: usize = 32;

/// A comment that says nothing, so that neither end takes silence for the end.
pub const HEARTBEAT: &[u8] = b":\n\n";

/// What the line of an id begins with.
pub const ID_FIELD: &[u8] = b"id: ";

/// The last message of a room that a client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which room.
    pub room: String,
    /// Which history of it.
    pub epoch: Epoch,
    /// Which message; 0 before the first.
    pub seq: u64,
}

/// The last messages of all rooms that a client has, as its `Last-Event-ID` says:
/// `room:epoch:seq`, with commas between rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(pub Vec<Position>);

/// A text is no id of an event of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is written like lobby:00000000000000ff:7,tea:00000000000000ff:9")]
pub struct NoEventId;

/// Writes an event behind what is in `into`. The id of a message is its place in its own room; who
/// writes to a client that listens to several rooms puts their places beside it.
pub fn write_event(event: Event, into: &mut BytesMut) {
    if let Event::Message(message) = &event {
        into.put_slice(ID_FIELD);
        // A message's identity is its epoch and number.
        let id = message.message_id.replacen('-', ":", 1);
        into.put_slice(format!("{}:{id}\n", message.room).as_bytes());
    }
    into.put_slice(b"event: ");
    into.put_slice(name(&event).as_bytes());
    into.put_slice(b"\ndata: ");
    // JSON has no line breaks but escaped ones.
    JsonV1.encode(&ServerFrame::Event(event), into);
    into.put_slice(b"\n\n");
}

/// Writes where a client is in a room, behind what is in `into`. It hears no event.
pub fn write_position(position: &Position, into: &mut BytesMut) {
    into.put_slice(ID_FIELD);
    into.put_slice(format!("{position}\n\n").as_bytes());
}

/// What `op` says of it.
fn name(event: &Event) -> &'static str {
    match event {
        Event::Message(_) => "message",
        Event::Edited(_) => "edited",
        Event::Deleted(_) => "deleted",
        Event::Reaction(_) => "reaction",
        Event::Typing(_) => "typing",
        Event::Read(_) => "read",
        Event::Presence(_) => "presence",
        Event::Joined(_) => "joined",
        Event::Left(_) => "left",
        Event::Resync(_) => "resync",
        Event::Draining(_) => "draining",
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.room, self.epoch, self.seq)
    }
}

impl FromStr for Position {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let mut parts = text.split(':');
        let (Some(room), Some(epoch), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NoEventId);
        };
        let room = Some(room).filter(|room| !room.is_empty()).ok_or(NoEventId)?;
        Ok(Self {
            room: room.to_owned(),
            epoch: epoch.parse().map_err(|_| NoEventId)?,
            seq: seq.parse().map_err(|_| NoEventId)?,
        })
    }
}

impl fmt::Display for LastEventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, position) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{position}")?;
        }
        Ok(())
    }
}

impl FromStr for LastEventId {
    type Err = NoEventId;

    /// An empty text is the id of who has heard nothing yet.
    fn from_str(text: &str) -> Result<Self, NoEventId> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Stamp, Typing};

    fn position(room: &str, seq: u64) -> Position {
        Position { room: room.to_owned(), epoch: Epoch(255), seq }
    }

    #[test]
    fn an_event_is_its_json_and_a_message_has_an_id() {
        let mut written = BytesMut::new();
        let typing = Event::Typing(Typing { room: "a".into(), user: "ada".into(), on: true });
        write_event(typing, &mut written);
        let data = r#"{"op":"typing","room":"a","user":"ada","on":true}"#;
        assert_eq!(written, format!("event: typing\ndata: {data}\n\n"));
        written.clear();
        let message = Event::Message(Message {
            room: "a-b".into(),
            seq: 7,
            message_id: Message::id(Epoch(255), 7),
            from: "ada".into(),
            body: "two\nlines".into(),
            at: Stamp::from_millis(0),
            key: None,
            reply_to: None,
            edited_at: None,
            deleted: false,
            reactions: Vec::new(),
        });
        write_event(message.clone(), &mut written);
        let text = String::from_utf8(written.to_vec()).expect("text");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["id: a-b:00000000000000ff:7", "event: message"]);
        let data = lines[2].strip_prefix("data: ").expect("data");
        let frame = JsonV1.decode(data.as_bytes()).expect("the same JSON");
        assert_eq!(frame, ServerFrame::Event(message));
        assert_eq!(lines.len(), 4, "a blank line ends it: {text:?}");
    }

    #[test]
    fn every_event_is_named_as_its_op() {
        let mut written = BytesMut::new();
        write_event(Event::Draining(crate::Draining { after_ms: 1 }), &mut written);
        assert_eq!(
            &written[..],
            b"event: draining\ndata: {\"op\":\"draining\",\"after_ms\":1}\n\n"
        );
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for rooms in
            [vec![], vec![position("a.b_c-1", 0)], vec![position("a", 1), position("b", 2)]]
        {
            let id = LastEventId(rooms);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for wrong in ["a", "a:b:c", ":00000000000000ff:1", "a:00000000000000ff:1:2", "a:ff:1", ","]
        {
            assert_eq!(wrong.parse::<LastEventId>(), Err(NoEventId), "{wrong}");
        }
    }
}
