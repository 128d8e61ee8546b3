//! The response body of one stream: what waits in its outbox.
//!
//! A message's frame is made once for all who hear it, so its id knows one room. Here the places of
//! the stream's other rooms are put beside it.

use crate::ws::Wire;
use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use campanile_core::fanout::{Outbox, Outgoing};
use campanile_metrics::BatchedCounter;
use campanile_protocol::{ID_FIELD, LastEventId};
use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

/// Writes one stream's outbox.
pub(super) struct EventBody {
    outbox: Rc<Outbox>,
    wire: Rc<Wire>,
    sent: Rc<BatchedCounter>,
    /// Bytes handed over and not yet counted.
    uncounted: u64,
    places: Places,
    /// What follows the id that was handed over last.
    rest: Option<Bytes>,
}

/// What the client has of each room, as an id tells it: `room:epoch:seq`.
struct Places(Vec<Bytes>);

impl EventBody {
    /// A body over `outbox` for a client that has `last` already.
    pub(super) fn new(
        outbox: Rc<Outbox>,
        wire: Rc<Wire>,
        sent: Rc<BatchedCounter>,
        last: &LastEventId,
    ) -> Self {
        let places = Places(last.0.iter().map(|position| position.to_string().into()).collect());
        Self { outbox, wire, sent, uncounted: 0, places, rest: None }
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(rest));
        }
        Poll::Ready(match ready!(self.outbox.poll_frame(context)) {
            Outgoing::Frame(frame) => Some(self.with_places(frame)),
            Outgoing::Ended(_) => None,
        })
    }

    fn with_places(&mut self, frame: Bytes) -> Bytes {
        let Some(place) = place(&frame) else {
            return frame;
        };
        self.places.note(place.clone());
        if self.places.0.len() == 1 {
            return frame;
        }
        self.rest = Some(frame.slice(ID_FIELD.len() + place.len()..));
        self.places.id()
    }

    fn count(&mut self) {
        let bytes = std::mem::take(&mut self.uncounted);
        if bytes > 0 {
            self.sent.add(bytes);
        }
    }
}

impl Places {
    fn note(&mut self, place: Bytes) {
        let known = self.0.iter_mut().find(|known| room(known) == room(&place));
        match known {
            Some(known) => *known = place,
            None => self.0.push(place),
        }
    }

    /// The field that tells all of them, without the end of its line.
    fn id(&self) -> Bytes {
        [ID_FIELD, &self.0.join(&b","[..])].concat().into()
    }
}

/// The place in a frame's id, if it has one.
fn place(frame: &Bytes) -> Option<Bytes> {
    let length = frame.strip_prefix(ID_FIELD)?.iter().position(|byte| *byte == b'\n')?;
    Some(frame.slice(ID_FIELD.len()..ID_FIELD.len() + length))
}

fn room(place: &[u8]) -> &[u8] {
    place.split(|byte| *byte == b':').next().unwrap_or(place)
}

impl MessageBody for EventBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        let polled = this.poll_chunk(context);
        match &polled {
            Poll::Ready(Some(chunk)) => this.uncounted += chunk.len() as u64,
            Poll::Ready(None) | Poll::Pending => this.count(),
        }
        polled.map(|chunk| chunk.map(Ok))
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        self.count();
        self.wire.go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_the_places_in_all_rooms() {
        let mut places = Places(vec!["a:1:7".into()]);
        let frame = Bytes::from_static(b"id: b:2:1\nevent: message\ndata: {}\n\n");
        places.note(place(&frame).expect("it has one"));
        assert_eq!(places.id(), "id: a:1:7,b:2:1");
        places.note("a:1:8".into());
        places.note("ab:3:1".into());
        assert_eq!(places.id(), "id: a:1:8,b:2:1,ab:3:1");
        assert_eq!(place(&Bytes::from_static(b"event: typing\ndata: {}\n\n")), None);
    }
}
