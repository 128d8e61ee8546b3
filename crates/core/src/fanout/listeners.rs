//! The listeners of one room on one worker.

use super::{class::Class, frames::Frames, order::Order, seat::Seat};
use crate::{
    event::{Envelope, Event, Signal},
    message::Sequence,
    name::RoomName,
    room::RoomKind,
    time::Moment,
};
use std::{rc::Rc, sync::Arc};

/// A room as one worker knows it.
pub(super) struct Room {
    pub(super) kind: RoomKind,
    pub(super) order: Order,
    /// Messages that passed since the room was opened here.
    pub(super) messages: u64,
    /// In no order: a listener's seat knows its place, so that one leaves without a search.
    listeners: Vec<Listener>,
}

/// One connection's subscription to the room.
struct Listener {
    seat: Rc<Seat>,
    /// Messages up to here were given to the connection in the answer to its join.
    given: Sequence,
    /// What happened while the answer is being made; `None` once it was given.
    held: Option<Held>,
}

/// What a listener hears once its join is answered.
#[derive(Default)]
pub(super) struct Held {
    pub(super) envelopes: Vec<Arc<Envelope>>,
    /// More happened than is held back: the client must read the room again.
    pub(super) overflowed: bool,
}

/// An event for the listeners of a room.
pub(super) struct Copies<'a> {
    pub(super) envelope: &'a Arc<Envelope>,
    pub(super) frames: &'a Frames<'a>,
    pub(super) class: Class,
}

impl Room {
    pub(super) fn new(kind: RoomKind) -> Self {
        Self { kind, order: Order::default(), messages: 0, listeners: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.listeners.len()
    }

    pub(super) fn seats(&self) -> impl Iterator<Item = &Rc<Seat>> {
        self.listeners.iter().map(|listener| &listener.seat)
    }

    /// Puts a connection among the listeners, or back among those whose answer is being made.
    /// Whether it is new.
    pub(super) fn hold(&mut self, name: &RoomName, seat: &Rc<Seat>) -> bool {
        if let Some(&place) = seat.rooms.borrow().get(name) {
            self.listeners[place].held.get_or_insert_default();
            return false;
        }
        seat.rooms.borrow_mut().insert(name.clone(), self.listeners.len());
        let held = Some(Held::default());
        self.listeners.push(Listener { seat: seat.clone(), given: Sequence(0), held });
        true
    }

    /// The answer was given, with messages up to `given`: takes what was held back and is news.
    pub(super) fn release(&mut self, place: usize, given: Sequence) -> Held {
        let listener = &mut self.listeners[place];
        listener.given = listener.given.max(given);
        let mut held = listener.held.take().unwrap_or_default();
        held.envelopes.retain(|envelope| sequence(envelope).is_none_or(|seq| seq > given));
        held
    }

    /// Takes a connection out; whether it was in.
    pub(super) fn remove(&mut self, name: &RoomName, seat: &Seat) -> bool {
        let Some(place) = seat.rooms.borrow_mut().remove(name) else {
            return false;
        };
        self.listeners.swap_remove(place);
        if let Some(moved) = self.listeners.get(place) {
            moved.seat.rooms.borrow_mut().insert(name.clone(), place);
        }
        true
    }

    /// The hot loop: a copy for each listener.
    pub(super) fn deliver(&mut self, copies: &Copies<'_>, now: Moment, held_max: usize) {
        let Copies { envelope, frames, class } = copies;
        let seq = sequence(envelope);
        for listener in &mut self.listeners {
            if let Some(held) = &mut listener.held {
                if held.envelopes.len() < held_max {
                    held.envelopes.push(Arc::clone(envelope));
                } else {
                    held.overflowed = true;
                }
                continue;
            }
            if seq.is_some_and(|seq| seq <= listener.given) {
                continue;
            }
            if let Some(frame) = frames.of(listener.seat.protocol) {
                let outbox = &listener.seat.outbox;
                outbox.push_accepted(frame, *class, envelope.accepted, now);
            }
        }
    }
}

fn sequence(envelope: &Envelope) -> Option<Sequence> {
    match &*envelope.signal {
        Signal::Tell(_, Event::Message(message)) => Some(message.seq()),
        _ => None,
    }
}
