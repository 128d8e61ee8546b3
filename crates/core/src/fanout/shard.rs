//! A shard: one worker thread's rooms and connections, and the loop that tells them of events.

use super::{
    Instruction, ShardInbox, Shown,
    connection::Seat,
    directory::Turn,
    listeners::{Copies, Room},
    order::Admission,
    outbox::{Class, Origin, Outbox},
    survey::{ConnectionSeen, RoomSeen, Survey},
    tally::Tally,
};
use crate::{
    chat::Chat,
    event::{Audience, EndReason, EndedSessions, Envelope, Event, ResyncReason, Signal},
    labels::{ChannelType, CloseReason, UnsubscribeReason},
    message::{Message, Sequence},
    name::{RoomName, UserName},
    port::{ConnectionId, History, HistoryError, Page},
    room::RoomKind,
    time::Moment,
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::Notify, time::MissedTickBehavior};

/// Makes the complete frame of an event in one protocol; `None` when the protocol does not say it.
pub type Encoder = Box<dyn Fn(&Event) -> Option<Bytes>>;

/// One worker's part of the fan-out. A clone is another handle to the same shard.
#[derive(Clone)]
pub struct Shard {
    inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub(super) chat: Arc<Chat>,
    pub(super) tally: Rc<Tally>,
    encoders: Vec<Encoder>,
    state: RefCell<State>,
    shown: Shown,
    inbox: Cell<Option<ShardInbox>>,
    /// Connections that have gone since the loop last looked.
    departed: RefCell<Vec<Departure>>,
    departures: Notify,
    /// Rooms in which a message is waited for.
    gaps: RefCell<HashSet<RoomName>>,
    /// The last number given to a delivery to several rooms: a seat that bears it was served.
    stamp: Cell<u64>,
    stopped: Cell<bool>,
}

#[derive(Default)]
struct State {
    rooms: HashMap<RoomName, Room>,
    users: HashMap<UserName, Vec<Rc<Seat>>>,
}

/// A connection that has gone, and the rooms it listened to.
pub(crate) struct Departure {
    pub(crate) user: UserName,
    pub(crate) connection: ConnectionId,
    pub(crate) rooms: Vec<RoomName>,
}

/// Events handled before other tasks of the worker get their turn.
const EVENTS_PER_TURN: usize = 64;

/// How long a gap that could not be filled is left before it is tried again.
const REFILL_PAUSE: Duration = Duration::from_secs(1);

/// Messages of a room that did not come: those between `passed` and `early`.
struct Gap {
    room: RoomName,
    passed: Sequence,
    early: Sequence,
}

/// What a job of the loop came to.
enum Done {
    SeenOff,
    GapRead(Gap, Result<History, HistoryError>),
}

impl Shard {
    /// The shard of this worker. `encoders` are numbered as connections name their protocol.
    pub fn new(chat: Arc<Chat>, encoders: Vec<Encoder>, inbox: ShardInbox) -> Self {
        let shown = inbox.shown.clone();
        let tally = Tally::new(
            chat.ports().clock.clone(),
            chat.metrics().clone(),
            shown.frames_waiting.clone(),
        );
        let inner = Inner {
            chat,
            tally: Rc::new(tally),
            encoders,
            state: RefCell::default(),
            shown,
            inbox: Cell::new(Some(inbox)),
            departed: RefCell::default(),
            departures: Notify::new(),
            gaps: RefCell::default(),
            stamp: Cell::new(0),
            stopped: Cell::new(false),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    /// Delivers events to this worker's connections until [`super::Shards::stop`]. Run once, on
    /// the worker's own thread.
    pub async fn run(&self) {
        let Some(mut inbox) = self.inner.inbox.take() else {
            return;
        };
        let mut instructions = Vec::with_capacity(EVENTS_PER_TURN);
        // What must be waited for while events go on: a shard that waited for its own queue to
        // have room would wait for ever.
        let mut jobs: FuturesUnordered<LocalBoxFuture<'_, Done>> = FuturesUnordered::new();
        let mut gap_check = tokio::time::interval(self.inner.chat.limits().gap_patience);
        gap_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.inner.stopped.get() {
            tokio::select! {
                count = inbox.receiver.recv_many(&mut instructions, EVENTS_PER_TURN) => {
                    if count == 0 {
                        break;
                    }
                    let now = self.inner.tally.now();
                    instructions.drain(..).for_each(|instruction| self.follow(instruction, now));
                }
                () = self.inner.departures.notified() => jobs.push(self.see_off().boxed_local()),
                Some(done) = jobs.next() => if let Done::GapRead(gap, history) = done {
                    self.refill(&gap, history);
                },
                _ = gap_check.tick(), if !self.inner.gaps.borrow().is_empty() => {
                    jobs.extend(self.overdue_gaps().into_iter().map(|gap| self.read(gap).boxed_local()));
                }
            }
            // Let the writers run: what was pushed in one turn leaves in one write.
            tokio::task::yield_now().await;
        }
        drop(inbox);
        while jobs.next().await.is_some() {}
        self.see_off().await;
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(super) fn new_outbox(&self) -> Rc<Outbox> {
        Rc::new(Outbox::new(
            self.inner.chat.limits(),
            self.inner.tally.clone(),
        ))
    }

    fn follow(&self, instruction: Instruction, now: Moment) {
        match instruction {
            Instruction::Deliver(envelope) => self.deliver(&envelope, now),
            Instruction::Stop => self.inner.stopped.set(true),
            Instruction::Survey(order) => {
                let survey = self.inner.survey(order.connections_max, order.rooms_max);
                let _asker_gone = order.reply.send(survey);
            }
        }
    }

    fn deliver(&self, envelope: &Arc<Envelope>, now: Moment) {
        match &*envelope.signal {
            Signal::Tell(Audience::Room(room, kind), Event::Message(message)) => {
                self.inner
                    .tell_message((room, *kind), message, envelope, now);
            }
            Signal::Tell(Audience::Room(room, kind), event) => {
                self.inner.tell_room((room, *kind), event, envelope, now);
            }
            Signal::Tell(Audience::Rooms(rooms), event) => {
                self.inner.tell_rooms(rooms, event, envelope, now);
            }
            Signal::Tell(Audience::User(user), event) => {
                self.inner.tell_user(user, event, envelope, now);
            }
            Signal::Tell(Audience::Everyone, event) => {
                self.inner.tell_everyone(event, envelope, now);
            }
            Signal::Unsubscribe { room, user } => self.inner.expel(room, user.as_ref()),
            Signal::EndSessions(ended, reason) => self.inner.end_sessions(ended, *reason),
        }
    }

    /// Tells the presence of those who have gone.
    async fn see_off(&self) -> Done {
        let departed = std::mem::take(&mut *self.inner.departed.borrow_mut());
        if !departed.is_empty() {
            self.inner.chat.departed(departed).await;
        }
        Done::SeenOff
    }

    /// The gaps that were waited for long enough.
    fn overdue_gaps(&self) -> Vec<Gap> {
        let (now, patience) = (
            self.inner.tally.now(),
            self.inner.chat.limits().gap_patience,
        );
        let mut state = self.inner.state.borrow_mut();
        let mut overdue = Vec::new();
        self.inner.gaps.borrow_mut().retain(|name| {
            let Some(room) = state.rooms.get_mut(name) else {
                return false;
            };
            let Some((passed, early, since)) = room.order.gap() else {
                return false;
            };
            if now.since(since) >= patience {
                // Not asked for again while this read is under way.
                room.order.wait_from(now.plus(REFILL_PAUSE));
                overdue.push(Gap {
                    room: name.clone(),
                    passed,
                    early,
                });
            }
            true
        });
        overdue
    }

    async fn read(&self, gap: Gap) -> Done {
        let missing = usize::try_from(gap.early.0 - gap.passed.0 - 1).unwrap_or(usize::MAX);
        let limit = missing.min(self.inner.chat.limits().resume_messages_max);
        let messages = &self.inner.chat.ports().messages;
        let history = messages
            .history(&gap.room, Page::After(gap.passed), limit)
            .await;
        Done::GapRead(gap, history)
    }

    /// Passes on what was missing; what cannot be had is given up, and listeners are told.
    fn refill(&self, gap: &Gap, history: Result<History, HistoryError>) {
        let now = self.inner.tally.now();
        let Ok(history) = history else { return };
        let Some(kind) = self.inner.kind(&gap.room) else {
            return;
        };
        let room = (&gap.room, kind);
        for message in &history.messages {
            let audience = Audience::Room(gap.room.clone(), kind);
            let tell = Arc::new(Signal::Tell(audience, Event::Message(message.clone())));
            let envelope = Arc::new(Envelope {
                signal: tell,
                accepted: now,
                remote: true,
            });
            self.inner.tell_message(room, message, &envelope, now);
        }
        self.inner.give_up_gap(room, gap.early, now);
    }
}

impl Inner {
    /// Puts a connection's seat among its user's.
    pub(super) fn seat(&self, seat: &Rc<Seat>) {
        let mut state = self.state.borrow_mut();
        state
            .users
            .entry(seat.user.clone())
            .or_default()
            .push(seat.clone());
        self.shown.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a connection out of everything.
    pub(super) fn unseat(&self, seat: &Rc<Seat>) {
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
        let (user, connection) = (seat.user.clone(), seat.id);
        self.departed.borrow_mut().push(Departure {
            user,
            connection,
            rooms,
        });
        self.departures.notify_one();
    }

    pub(super) fn hold(&self, (name, kind): (&RoomName, RoomKind), seat: &Rc<Seat>) -> bool {
        let mut state = self.state.borrow_mut();
        let room = state.rooms.entry(name.clone()).or_insert_with(|| {
            if self.chat.directory().open(name, kind) == Turn::Edge {
                self.chat
                    .metrics()
                    .rooms
                    .openings
                    .increment(ChannelType::from(kind));
            }
            Room::new(kind)
        });
        let new = room.hold(name, seat);
        if new {
            let metrics = self.chat.metrics();
            metrics
                .rooms
                .participants_per_room
                .observe(self.chat.directory().subscribed(name));
            metrics
                .rooms
                .joins
                .increment(metrics.native, ChannelType::from(kind));
        }
        new
    }

    /// Lets a connection hear a room from after what `history` told it.
    pub(super) fn release(&self, name: &RoomName, seat: &Rc<Seat>, history: &History) {
        let now = self.tally.now();
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let Some(&place) = seat.rooms.borrow().get(name) else {
            return;
        };
        let held = room.release(place, history.last_seq);
        room.order.start((history.epoch, history.last_seq), now);
        let kind = room.kind;
        drop(state);
        for envelope in &held.envelopes {
            if let Signal::Tell(_, event) = &*envelope.signal {
                self.push(seat, event, envelope, (kind, now));
            }
        }
        if held.overflowed {
            self.resync_one(name, seat, ResyncReason::Gap);
        }
        self.pass_ready((name, kind), now);
    }

    pub(super) fn unsubscribe(
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
        let listeners = self.chat.directory().unsubscribed(name);
        let native = self.chat.metrics().native;
        let metrics = &self.chat.metrics().rooms;
        metrics
            .leaves
            .increment(native, ChannelType::from(kind), reason);
        metrics.participants_per_room.observe(listeners);
        if left == 0 {
            state.rooms.remove(name);
            if self.chat.directory().close(name) == Turn::Edge {
                metrics.closings.increment(ChannelType::from(kind));
            }
        }
        true
    }

    fn tell_message(
        &self,
        (name, kind): (&RoomName, RoomKind),
        message: &Message,
        envelope: &Arc<Envelope>,
        now: Moment,
    ) {
        let early_max = self.chat.limits().gap_events_max;
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let place = (message.id.epoch, message.id.seq);
        match room.order.admit(place, envelope, (now, early_max)) {
            Admission::Pass => {
                drop(state);
                self.pass((name, kind), envelope, now);
                self.pass_ready((name, kind), now);
            }
            Admission::Repeat => {}
            Admission::Held => {
                self.gaps.borrow_mut().insert(name.clone());
            }
            Admission::Overflow => {
                room.order.skip_to(message.id.seq, now);
                drop(state);
                self.resync((name, kind), ResyncReason::Gap, now);
            }
            Admission::OtherEpoch => {
                room.order.restart(place, now);
                drop(state);
                self.resync((name, kind), ResyncReason::Epoch, now);
            }
        }
    }

    fn pass(&self, room: (&RoomName, RoomKind), envelope: &Arc<Envelope>, now: Moment) {
        if let Signal::Tell(_, event) = &*envelope.signal {
            if let Some(room) = self.state.borrow_mut().rooms.get_mut(room.0) {
                room.messages += 1;
            }
            self.tell_room(room, event, envelope, now);
        }
    }

    fn pass_ready(&self, room: (&RoomName, RoomKind), now: Moment) {
        while let Some(envelope) = self.next_ready(room.0, now) {
            self.pass(room, &envelope, now);
        }
    }

    fn next_ready(&self, name: &RoomName, now: Moment) -> Option<Arc<Envelope>> {
        self.state
            .borrow_mut()
            .rooms
            .get_mut(name)?
            .order
            .next_ready(now)
    }

    fn kind(&self, name: &RoomName) -> Option<RoomKind> {
        self.state.borrow().rooms.get(name).map(|room| room.kind)
    }

    /// Whatever of the gap before `before` was not refilled is not to be had.
    fn give_up_gap(&self, (name, kind): (&RoomName, RoomKind), before: Sequence, now: Moment) {
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        match room.order.gap() {
            Some((_, early, _)) if early <= before => {
                room.order.skip_to(Sequence(early.0 - 1), now);
                drop(state);
                self.resync((name, kind), ResyncReason::Gap, now);
                self.pass_ready((name, kind), now);
            }
            _ => {}
        }
    }

    fn tell_room(
        &self,
        (name, kind): (&RoomName, RoomKind),
        event: &Event,
        envelope: &Arc<Envelope>,
        now: Moment,
    ) {
        let limits = self.chat.limits();
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let class = class(event, kind, envelope);
        let ephemeral = matches!(class, Class::Ephemeral | Class::Presence(_));
        if ephemeral && room.len() > limits.presence_audience_max {
            return;
        }
        let frames = self.encode(event);
        let copies = Copies {
            envelope,
            frames: &frames,
            class,
        };
        room.deliver(&copies, now, limits.gap_events_max);
    }

    fn tell_rooms(&self, names: &[RoomName], event: &Event, envelope: &Arc<Envelope>, now: Moment) {
        let stamp = self.stamp.get() + 1;
        self.stamp.set(stamp);
        let audience_max = self.chat.limits().presence_audience_max;
        let state = self.state.borrow();
        let rooms = names.iter().filter_map(|name| state.rooms.get(name));
        let mut frames = None;
        for room in rooms.filter(|room| room.len() <= audience_max) {
            for seat in room
                .seats()
                .filter(|seat| seat.stamp.replace(stamp) != stamp)
            {
                let frames = frames.get_or_insert_with(|| self.encode(event));
                push_frame(
                    seat,
                    frames,
                    class(event, room.kind, envelope),
                    envelope,
                    now,
                );
            }
        }
    }

    fn tell_user(&self, user: &UserName, event: &Event, envelope: &Arc<Envelope>, now: Moment) {
        let state = self.state.borrow();
        let Some(seats) = state.users.get(user) else {
            return;
        };
        let frames = self.encode(event);
        for seat in seats {
            push_frame(seat, &frames, Class::Lasting, envelope, now);
        }
    }

    fn tell_everyone(&self, event: &Event, envelope: &Arc<Envelope>, now: Moment) {
        let frames = self.encode(event);
        for seat in self.state.borrow().users.values().flatten() {
            push_frame(seat, &frames, Class::Lasting, envelope, now);
        }
    }

    fn push(
        &self,
        seat: &Seat,
        event: &Event,
        envelope: &Arc<Envelope>,
        (kind, now): (RoomKind, Moment),
    ) {
        push_frame(
            seat,
            &self.encode(event),
            class(event, kind, envelope),
            envelope,
            now,
        );
    }

    /// Once per protocol, however many hear it.
    fn encode(&self, event: &Event) -> Vec<Option<Bytes>> {
        self.encoders.iter().map(|encode| encode(event)).collect()
    }

    fn resync(&self, (name, kind): (&RoomName, RoomKind), reason: ResyncReason, now: Moment) {
        let event = Event::Resync {
            room: name.clone(),
            reason,
        };
        let tell = Signal::Tell(Audience::Room(name.clone(), kind), event.clone());
        let envelope = Arc::new(Envelope {
            signal: Arc::new(tell),
            accepted: now,
            remote: false,
        });
        self.tell_room((name, kind), &event, &envelope, now);
    }

    fn resync_one(&self, name: &RoomName, seat: &Seat, reason: ResyncReason) {
        let event = Event::Resync {
            room: name.clone(),
            reason,
        };
        if let Some(frame) = &self.encode(&event)[seat.protocol] {
            seat.outbox.push(frame.clone(), Class::Lasting);
        }
    }

    fn expel(&self, name: &RoomName, user: Option<&UserName>) {
        let seats: Vec<Rc<Seat>> = match self.state.borrow().rooms.get(name) {
            None => return,
            Some(room) => room
                .seats()
                .filter(|seat| user.is_none_or(|user| seat.user == *user))
                .cloned()
                .collect(),
        };
        let reason = match user {
            Some(_) => UnsubscribeReason::Kicked,
            None => UnsubscribeReason::RoomClosed,
        };
        for seat in seats {
            self.unsubscribe(name, &seat, reason);
        }
    }

    fn end_sessions(&self, ended: &EndedSessions, reason: EndReason) {
        let close_reason = match reason {
            EndReason::LoggedOut | EndReason::PasswordChanged => CloseReason::AuthExpired,
            EndReason::Banned => CloseReason::Policy,
        };
        let state = self.state.borrow();
        match ended {
            EndedSessions::User(user) => {
                for seat in state.users.get(user).into_iter().flatten() {
                    seat.outbox.end(close_reason);
                }
            }
            EndedSessions::Token(token) => {
                for seat in state
                    .users
                    .values()
                    .flatten()
                    .filter(|seat| seat.token == *token)
                {
                    seat.outbox.end(close_reason);
                }
            }
        }
    }

    fn survey(&self, connections_max: usize, rooms_max: usize) -> Survey {
        let state = self.state.borrow();
        let connections = state.users.values().flatten().take(connections_max);
        let mut survey = Survey {
            connections: connections
                .map(|seat| ConnectionSeen::of(seat.as_ref()))
                .collect(),
            rooms: state
                .rooms
                .iter()
                .map(|(name, room)| RoomSeen::of(name, room))
                .collect(),
        };
        survey.trim(connections_max, rooms_max);
        survey
    }
}

fn push_frame(
    seat: &Seat,
    frames: &[Option<Bytes>],
    class: Class,
    envelope: &Envelope,
    now: Moment,
) {
    if let Some(frame) = &frames[seat.protocol] {
        seat.outbox
            .push_accepted(frame.clone(), class, envelope.accepted, now);
    }
}

fn class(event: &Event, kind: RoomKind, envelope: &Envelope) -> Class {
    match event {
        Event::Message(_) => {
            let origin = if envelope.remote {
                Origin::Elsewhere
            } else {
                Origin::Here
            };
            Class::Message(ChannelType::from(kind), origin)
        }
        Event::Presence(presence) => Class::Presence(presence.status.into()),
        Event::Typing { .. } => Class::Ephemeral,
        Event::Amended { .. }
        | Event::Read { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::Resync { .. }
        | Event::Draining { .. } => Class::Lasting,
    }
}
