//! Streams of events: `GET /sse`, for clients that only listen.
//!
//! A stream is a connection of the same chat as a WebSocket: it has a seat among the listeners, an
//! outbox with the same bounds, and a place in the lobby. What differs is what is written (`body`),
//! and that nothing is read after the request (`wanted`).

mod wanted;
mod opening;
mod stream;
mod body;

pub(crate) use opening::__path_subscribe;
pub use opening::subscribe;

use crate::ws;
use bytes::{Bytes, BytesMut};
use campanile_core::fanout::Encoder;
use campanile_protocol::{Event, write_event};

/// What a stream is served as.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// Bytes that a frame has room for before it grows.
const FRAME_BYTES: usize = 256;

/// Makes the frame of an event, once for all streams that hear it.
pub fn encoder() -> Encoder {
    Box::new(|event| ws::event(event).map(frame))
}

fn frame(event: Event) -> Bytes {
    let mut frame = BytesMut::with_capacity(FRAME_BYTES);
    write_event(event, &mut frame);
    frame.freeze()
}
