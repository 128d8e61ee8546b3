//! Telling: what a hub does with an event.

use super::{
    class::{Class, Origin},
    frames::Frames,
    hub::Hub,
    listeners::Copies,
    order::{Admission, Standing},
    roll::Compared,
    seat::Seat,
};
use crate::{
    event::{Audience, EndReason, EndedSessions, Envelope, Event, ResyncReason, Signal},
    labels::{ChannelType, CloseReason, UnsubscribeReason},
    message::{Message, Sequence},
    name::{RoomName, UserName},
    port::History,
    room::RoomKind,
    time::Moment,
};
use std::{rc::Rc, sync::Arc};

impl Hub {
    /// Does what a signal says.
    pub(super) fn deliver(&self, envelope: &Arc<Envelope>, now: Moment) {
        match &*envelope.signal {
            Signal::Tell(Audience::Room(room, kind), Event::Message(message)) => {
                self.tell_message((room, *kind), message, envelope, now);
            }
            Signal::Tell(Audience::Room(room, kind), event) => {
                self.tell_room((room, *kind), event, envelope, now);
            }
            Signal::Tell(Audience::Rooms(rooms), event) => {
                self.tell_rooms(rooms, event, envelope, now);
            }
            Signal::Tell(Audience::User(user), event) => {
                self.tell_user(user, event, envelope, now);
            }
            Signal::Tell(Audience::Everyone, event) => self.tell_everyone(event, envelope, now),
            Signal::Tell(Audience::Channel(channel, ..), event) if channel.is_of_signed_in() => {
                self.tell_watchers(channel, event, envelope, now);
            }
            Signal::Tell(Audience::Channel(channel, _, except), event) => {
                self.tell_channel((channel, *except), event, envelope, now);
            }
            Signal::EndUser(app, user) => self.end_user(app, user),
            Signal::Unsubscribe { room, user } => self.expel(room, user.as_ref()),
            Signal::EndSessions(ended, reason) => self.end_sessions(ended, *reason),
            // Between nodes, not for their connections.
            Signal::AppsChanged | Signal::Ask(_) | Signal::Answer(_) => {}
        }
    }

    /// Lets a connection hear a room from after what `history` told it.
    pub(crate) fn release(&self, name: &RoomName, seat: &Rc<Seat>, history: &History) {
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

    /// Lets a message through the room's gate, and those that waited for it.
    pub(super) fn tell_message(
        &self,
        (name, kind): (&RoomName, RoomKind),
        message: &Message,
        envelope: &Arc<Envelope>,
        now: Moment,
    ) {
        let early_max = self.context.limits.gap_events_max;
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

    /// Puts a room right that was compared with the store.
    pub(super) fn compare(&self, compared: &Compared, now: Moment) {
        let name = &compared.room;
        let Some(kind) = self.kind(name) else {
            return;
        };
        let Some(place) = compared.place else {
            self.resync((name, kind), ResyncReason::Epoch, now);
            self.expel(name, None);
            return;
        };
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let standing = room.order.expect(place, now);
        if standing == Standing::OtherEpoch {
            room.order.restart(place, now);
        }
        drop(state);
        match standing {
            Standing::OtherEpoch => self.resync((name, kind), ResyncReason::Epoch, now),
            _ if compared.changed => self.resync((name, kind), ResyncReason::Gap, now),
            _ => {}
        }
        if standing == Standing::Behind {
            self.gaps.borrow_mut().insert(name.clone());
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
        self.state.borrow_mut().rooms.get_mut(name)?.order.next_ready(now)
    }

    pub(crate) fn kind(&self, name: &RoomName) -> Option<RoomKind> {
        self.state.borrow().rooms.get(name).map(|room| room.kind)
    }

    /// Whatever of the gap before `before` was not refilled is not to be had.
    pub(super) fn give_up_gap(
        &self,
        (name, kind): (&RoomName, RoomKind),
        before: Sequence,
        now: Moment,
    ) {
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
        let limits = &self.context.limits;
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let class = class(event, kind, envelope);
        let ephemeral = matches!(class, Class::Ephemeral | Class::Presence(_));
        if ephemeral && room.len() > limits.presence_audience_max {
            return;
        }
        let frames = self.frames(event);
        let copies = Copies { envelope, frames: &frames, class };
        room.deliver(&copies, now, limits.gap_events_max);
    }

    fn tell_rooms(&self, names: &[RoomName], event: &Event, envelope: &Arc<Envelope>, now: Moment) {
        let stamp = self.stamp.get() + 1;
        self.stamp.set(stamp);
        let audience_max = self.context.limits.presence_audience_max;
        let state = self.state.borrow();
        let rooms = names.iter().filter_map(|name| state.rooms.get(name));
        let frames = self.frames(event);
        for room in rooms.filter(|room| room.len() <= audience_max) {
            for seat in room.seats().filter(|seat| seat.stamp.replace(stamp) != stamp) {
                push_frame(seat, &frames, class(event, room.kind, envelope), envelope, now);
            }
        }
    }

    fn tell_user(&self, user: &UserName, event: &Event, envelope: &Arc<Envelope>, now: Moment) {
        let state = self.state.borrow();
        let Some(seats) = state.users.get(user) else {
            return;
        };
        let frames = self.frames(event);
        for seat in seats {
            push_frame(seat, &frames, Class::Lasting, envelope, now);
        }
    }

    fn tell_everyone(&self, event: &Event, envelope: &Arc<Envelope>, now: Moment) {
        let frames = self.frames(event);
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
        push_frame(seat, &self.frames(event), class(event, kind, envelope), envelope, now);
    }

    fn frames<'a>(&'a self, event: &'a Event) -> Frames<'a> {
        Frames::new(event, &self.encoders)
    }

    fn resync(&self, (name, kind): (&RoomName, RoomKind), reason: ResyncReason, now: Moment) {
        let event = Event::Resync { room: name.clone(), reason };
        let tell = Signal::Tell(Audience::Room(name.clone(), kind), event.clone());
        let envelope =
            Arc::new(Envelope { signal: Arc::new(tell), accepted: now.into(), remote: false });
        self.tell_room((name, kind), &event, &envelope, now);
    }

    fn resync_one(&self, name: &RoomName, seat: &Seat, reason: ResyncReason) {
        let event = Event::Resync { room: name.clone(), reason };
        if let Some(frame) = self.frames(&event).of(seat.protocol) {
            seat.outbox.push(frame, Class::Lasting);
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
                for seat in state.users.values().flatten().filter(|seat| seat.token == *token) {
                    seat.outbox.end(close_reason);
                }
            }
        }
    }
}

fn push_frame(seat: &Seat, frames: &Frames<'_>, class: Class, envelope: &Envelope, now: Moment) {
    if let Some(frame) = frames.of(seat.protocol) {
        seat.outbox.push_accepted(frame, class, envelope.accepted, now);
    }
}

fn class(event: &Event, kind: RoomKind, envelope: &Envelope) -> Class {
    match event {
        Event::Message(_) => {
            let origin = if envelope.remote { Origin::Elsewhere } else { Origin::Here };
            Class::Message(ChannelType::from(kind), origin)
        }
        Event::Presence(presence) => Class::Presence(presence.status.into()),
        Event::Typing { .. } => Class::Ephemeral,
        Event::Amended { .. }
        | Event::Read { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::Resync { .. }
        | Event::Draining { .. }
        | Event::Channel(..) => Class::Lasting,
    }
}
