//! The protocols that connections speak; each has the number of its place here.

use crate::{pusher, sse, ws};
use campanile_core::fanout::Encoder;

/// The native protocol's number.
pub const NATIVE: usize = 0;

/// The number of streams of events.
pub const EVENT_STREAM: usize = 1;

/// The number of the Pusher protocol.
pub const PUSHER: usize = 2;

/// What writes an event in each protocol, by number; made anew for each worker thread.
pub fn encoders() -> Vec<Encoder> {
    vec![ws::encoder(), sse::encoder(), pusher::encoder()]
}
