//! The frames of one event: made once for each protocol that somebody hears it in, and for no other.

use super::hub::Encoder;
use crate::event::Event;
use bytes::Bytes;
use std::cell::OnceCell;

/// An event, and what it is in each protocol.
pub(super) struct Frames<'a> {
    event: &'a Event,
    encoders: &'a [Encoder],
    made: [OnceCell<Option<Bytes>>; PROTOCOLS_MAX],
}

/// Protocols that one process speaks. There are never many, and so nothing is allocated for them.
pub(super) const PROTOCOLS_MAX: usize = 4;

impl<'a> Frames<'a> {
    pub(super) fn new(event: &'a Event, encoders: &'a [Encoder]) -> Self {
        Self { event, encoders, made: Default::default() }
    }

    /// The frame in the protocol of this number; `None` when it does not say the event.
    pub(super) fn of(&self, protocol: usize) -> Option<Bytes> {
        self.made[protocol].get_or_init(|| self.encoders[protocol](self.event)).clone()
    }
}
