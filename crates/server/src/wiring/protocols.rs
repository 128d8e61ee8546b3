//! The protocols that connections speak; each has the number of its place here.

use crate::ws;
use campanile_core::fanout::Encoder;

/// The native protocol's number.
pub const NATIVE: usize = 0;

/// What writes an event in each protocol, by number; made anew for each worker thread.
pub fn encoders() -> Vec<Encoder> {
    vec![ws::encoder()]
}
