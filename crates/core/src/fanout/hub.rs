//! A hub: one worker thread's rooms and connections.
//!
//! Nothing here waits: the loop in [`super::pump`] calls it, and so do the connections of the
//! same thread.

use super::{
    Context, ShardInbox, Shown,
    channels::{Listened, Subscriber},
    directory::Turn,
    frames::PROTOCOLS_MAX,
    listeners::Room,
    outbox::Outbox,
    round::Round,
    seat::Seat,
    survey::{ConnectionSeen, RoomSeen, Survey},
    tally::Tally,
    watching::Watched,
};
use crate::{
    channel::{AppId, Channel},
    event::Event,
    labels::{ChannelType, Transport, UnsubscribeReason},
    metrics::App,
    name::{RoomName, UserName},
    room::RoomKind,
};
use bytes::Bytes;
use campanile_metrics::Batch;
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Makes the complete frame of an event in one protocol; `None` when the protocol does not say it.
pub type Encoder = Box<dyn Fn(&Event) -> Option<Bytes>>;

/// One worker's part of the fan-out.
pub(crate) struct Hub {
    pub(super) context: Arc<Context>,
    pub(super) tally: Rc<Tally>,
    pub(super) round: Rc<Round>,
    /// What this worker counts on its own.
    pub(crate) batch: Batch,
    pub(super) encoders: Vec<Encoder>,
    pub(super) state: RefCell<State>,
    pub(super) shown: Shown,
    /// How many events all workers were told.
    pub(super) told: Arc<AtomicU64>,
    /// How many of them before the one that is being told.
    pub(super) before: Cell<u64>,
    pub(super) inbox: Cell<Option<ShardInbox>>,
    /// Rooms in which a message is waited for.
    pub(super) gaps: RefCell<HashSet<RoomName>>,
    /// The last number given to a delivery to several rooms: a seat that bears it was served.
    pub(super) stamp: Cell<u64>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) rooms: HashMap<RoomName, Room>,
    pub(super) users: HashMap<UserName, Vec<Rc<Seat>>>,
    pub(super) channels: HashMap<Channel, Listened>,
    /// The connections over which users of applications have signed in.
    pub(super) signed_in: HashMap<(AppId, Arc<str>), Vec<Rc<Subscriber>>>,
    /// The users that some of them watch, by the channels of those who are signed in.
    pub(super) watched: HashMap<Channel, Watched>,
}

impl Hub {
    /// An empty hub. `encoders` are numbered as seats name their protocol.
    pub(crate) fn new(context: Arc<Context>, encoders: Vec<Encoder>, inbox: ShardInbox) -> Self {
        assert!(encoders.len() <= PROTOCOLS_MAX, "there are more protocols than {PROTOCOLS_MAX}");
        let shown = inbox.shown.clone();
        let waiting = shown.frames_waiting.clone();
        let batch = Batch::new();
        let tally = Tally::new(context.clock.clone(), (context.metrics.clone(), &batch), waiting);
        Self {
            context,
            tally: Rc::new(tally),
            round: Rc::default(),
            batch,
            encoders,
            state: RefCell::default(),
            shown,
            told: inbox.told.clone(),
            before: Cell::new(0),
            inbox: Cell::new(Some(inbox)),
            gaps: RefCell::default(),
            stamp: Cell::new(0),
        }
    }

    /// An outbox for a connection of this worker.
    pub(crate) fn outbox(&self, app: App, transport: Transport) -> Rc<Outbox> {
        let counted = (self.tally.sent(app, &self.batch), transport);
        let shared = (self.tally.clone(), self.round.clone());
        Rc::new(Outbox::new(&self.context.limits, counted, shared))
    }

    /// Puts a connection's seat among its user's.
    pub(crate) fn seat(&self, seat: &Rc<Seat>) {
        let mut state = self.state.borrow_mut();
        state.users.entry(seat.user.clone()).or_default().push(seat.clone());
        self.shown.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a connection out of everything; which rooms it listened to.
    pub(crate) fn unseat(&self, seat: &Rc<Seat>) -> Vec<RoomName> {
        let rooms: Vec<_> = seat.rooms.borrow().keys().cloned().collect();
        for room in &rooms {
            self.unsubscribe(room, seat, UnsubscribeReason::Disconnect);
        }
        let mut state = self.state.borrow_mut();
        if let Some(seats) = state.users.get_mut(&seat.user) {
            seats.retain(|other| !Rc::ptr_eq(other, seat));
            if seats.is_empty() {
                state.users.remove(&seat.user);
            }
        }
        self.shown.connections.fetch_sub(1, Ordering::Relaxed);
        rooms
    }

    /// Puts a connection among a room's listeners, hearing nothing until it is released; whether
    /// it is new there.
    pub(crate) fn hold(&self, (name, kind): (&RoomName, RoomKind), seat: &Rc<Seat>) -> bool {
        let mut state = self.state.borrow_mut();
        let room = state.rooms.entry(name.clone()).or_insert_with(|| {
            if self.context.directory.open(name, kind) == Turn::Edge {
                self.context.metrics.rooms.openings.increment(ChannelType::from(kind));
            }
            Room::new(kind)
        });
        let new = room.hold(name, seat);
        if new {
            let metrics = &self.context.metrics;
            metrics.rooms.participants_per_room.observe(self.context.directory.subscribed(name));
            metrics.rooms.joins.increment(metrics.native, ChannelType::from(kind));
        }
        new
    }

    /// Takes a connection out of a room; whether it was in.
    pub(crate) fn unsubscribe(
        &self,
        name: &RoomName,
        seat: &Rc<Seat>,
        reason: UnsubscribeReason,
    ) -> bool {
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return false;
        };
        if !room.remove(name, seat) {
            return false;
        }
        let (kind, left) = (room.kind, room.len());
        let listeners = self.context.directory.unsubscribed(name);
        let native = self.context.metrics.native;
        let metrics = &self.context.metrics.rooms;
        metrics.leaves.increment(native, ChannelType::from(kind), reason);
        metrics.participants_per_room.observe(listeners);
        if left == 0 {
            state.rooms.remove(name);
            if self.context.directory.close(name) == Turn::Edge {
                metrics.closings.increment(ChannelType::from(kind));
            }
        }
        true
    }

    pub(super) fn survey(&self, connections_max: usize, rooms_max: usize) -> Survey {
        let state = self.state.borrow();
        let connections = state.users.values().flatten().take(connections_max);
        let mut survey = Survey {
            // Counted by whoever asks, over all workers.
            connections_open: 0,
            users: 0,
            connections: connections.map(|seat| ConnectionSeen::of(seat.as_ref())).collect(),
            rooms: state.rooms.iter().map(|(name, room)| RoomSeen::of(name, room)).collect(),
        };
        survey.trim(connections_max, rooms_max);
        survey
    }
}
