//! Channels on one worker: who subscribed to them, and what they are told.
//!
//! A channel has no numbers and no history: what was published before a subscription began is not
//! told, and what comes until it is answered follows the answer.

use super::{
    class::{Class, Origin},
    directory::Turn,
    frames::Frames,
    hub::Hub,
    members::Told,
    outbox::Outbox,
    roll::ComparedMembers,
};
use crate::{
    channel::{AppId, Channel, ChannelEvent, ChannelKind, Edition, Version},
    event::{Audience, Envelope, Event, Signal},
    labels::{ChannelType, CloseReason, DropReason, UnsubscribeReason},
    metrics::App,
    port::{ChannelSeen, ConnectionId},
    time::Moment,
};
use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
};

/// A connection of an application as its hub knows it.
pub(crate) struct Subscriber {
    pub(crate) id: ConnectionId,
    pub(crate) app: AppId,
    /// The application, as it is counted.
    pub(crate) label: App,
    pub(crate) protocol: usize,
    pub(crate) outbox: Rc<Outbox>,
    /// Where it stands among each channel's subscribers.
    pub(crate) channels: RefCell<HashMap<Channel, usize>>,
    /// Who has signed in over it.
    pub(crate) user: RefCell<Option<Arc<str>>>,
    /// The channels of those users whose coming and going it is told.
    pub(crate) watches: RefCell<Vec<Channel>>,
}

/// A channel as one worker knows it.
pub(super) struct Listened {
    kind: ChannelKind,
    /// In no order, like a room's listeners.
    subscriptions: Vec<Subscription>,
    /// What was told here of its members.
    told: Told,
}

struct Subscription {
    subscriber: Rc<Subscriber>,
    /// As whom, where the channel has members.
    member: Option<Arc<str>>,
    /// What this worker was told when fewer events were told was published before it came.
    since: u64,
    given: Given,
    /// What happens while the answer is being made; `None` once it was given.
    held: Option<Vec<Held>>,
}

/// What happened while an answer was being made, and how many events were told before it.
struct Held {
    envelope: Arc<Envelope>,
    before: u64,
}

/// What a subscription was given with its answer.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    /// The members as they were after this change.
    members: Version,
    /// The last event that the channel has kept.
    event: Edition,
}

impl Hub {
    /// Puts a connection of an application among this worker's.
    pub(crate) fn admit(&self) {
        self.shown.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a connection out of everything; which channels it was subscribed to.
    pub(crate) fn dismiss(&self, subscriber: &Rc<Subscriber>) -> Vec<(Channel, ChannelKind)> {
        self.sign_out(subscriber);
        self.unwatch(subscriber);
        let channels: Vec<Channel> = subscriber.channels.borrow().keys().cloned().collect();
        let kind = |channel| Some((channel, self.kind_of(channel)?));
        let known = channels.iter().filter_map(kind);
        let left = known.map(|(channel, kind)| (channel.clone(), kind)).collect();
        for channel in &channels {
            self.unsubscribe_from(channel, subscriber, UnsubscribeReason::Disconnect);
        }
        self.shown.connections.fetch_sub(1, Ordering::Relaxed);
        left
    }

    /// Notes who has signed in over a connection, once.
    pub(crate) fn sign_in(&self, subscriber: &Rc<Subscriber>, user: &Arc<str>) {
        self.sign_out(subscriber);
        *subscriber.user.borrow_mut() = Some(user.clone());
        let mut state = self.state.borrow_mut();
        let place = (subscriber.app.clone(), user.clone());
        state.signed_in.entry(place).or_default().push(subscriber.clone());
    }

    fn sign_out(&self, subscriber: &Rc<Subscriber>) {
        let Some(user) = subscriber.user.borrow_mut().take() else {
            return;
        };
        let mut state = self.state.borrow_mut();
        let place = (subscriber.app.clone(), user);
        if let Some(connections) = state.signed_in.get_mut(&place) {
            connections.retain(|other| !Rc::ptr_eq(other, subscriber));
            if connections.is_empty() {
                state.signed_in.remove(&place);
            }
        }
    }

    /// Puts a connection among a channel's subscribers, hearing nothing until it is released;
    /// whether it is new there.
    pub(crate) fn hold_in(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        subscriber: &Rc<Subscriber>,
        member: Option<&Arc<str>>,
    ) -> bool {
        if subscriber.channels.borrow().contains_key(channel) {
            return false;
        }
        let context = &self.context;
        let mut state = self.state.borrow_mut();
        let listened = state.channels.entry(channel.clone()).or_insert_with(|| {
            if context.directory.open_channel(channel, kind) == Turn::Edge {
                context.metrics.rooms.openings.increment(ChannelType::from(kind));
            }
            Listened { kind, subscriptions: Vec::new(), told: Told::default() }
        });
        subscriber.channels.borrow_mut().insert(channel.clone(), listened.subscriptions.len());
        listened.subscriptions.push(Subscription {
            subscriber: subscriber.clone(),
            member: member.cloned(),
            since: self.told.load(Ordering::Relaxed),
            given: Given::default(),
            held: Some(Vec::new()),
        });
        let metrics = &context.metrics.rooms;
        let listeners = context.directory.subscribed_to((channel, kind), member);
        metrics.participants_per_room.observe(listeners);
        metrics.joins.increment(subscriber.label, ChannelType::from(kind));
        true
    }

    /// A subscription has begun when so many events were told: what was published before is not told,
    /// however late it has come here.
    pub(crate) fn begin_in(&self, channel: &Channel, subscriber: &Rc<Subscriber>, since: u64) {
        let mut state = self.state.borrow_mut();
        let place = subscriber.channels.borrow().get(channel).copied();
        let listened = state.channels.get_mut(channel);
        if let (Some(listened), Some(place)) = (listened, place) {
            let subscription = &mut listened.subscriptions[place];
            subscription.since = since.max(subscription.since);
        }
    }

    /// The subscription is answered with what the channel is like: what was held back and is news
    /// follows.
    pub(crate) fn release_in(
        &self,
        channel: &Channel,
        subscriber: &Rc<Subscriber>,
        seen: &ChannelSeen,
    ) {
        let given = Given::of(seen);
        let now = self.tally.now();
        let (held, since) = {
            let mut state = self.state.borrow_mut();
            let place = subscriber.channels.borrow().get(channel).copied();
            let listened = state.channels.get_mut(channel);
            let (Some(listened), Some(place)) = (listened, place) else {
                return;
            };
            if listened.kind == ChannelKind::Presence {
                listened.told.give(&seen.members, seen.version);
            }
            let subscription = &mut listened.subscriptions[place];
            subscription.given = given;
            (subscription.held.take().unwrap_or_default(), subscription.since)
        };
        for Held { envelope, before } in &held {
            if let Signal::Tell(_, event) = &*envelope.signal
                && !given.has(event)
                && !is_earlier(event, *before, since)
                && let Some(kind) = self.kind_of(channel)
            {
                let frames = Frames::new(event, &self.encoders);
                push(subscriber, &frames, (class(event, kind, envelope), envelope), now);
            }
        }
    }

    /// Takes a connection out of a channel; whether it was in.
    pub(crate) fn unsubscribe_from(
        &self,
        channel: &Channel,
        subscriber: &Rc<Subscriber>,
        reason: UnsubscribeReason,
    ) -> bool {
        let Some(place) = subscriber.channels.borrow_mut().remove(channel) else {
            return false;
        };
        let mut state = self.state.borrow_mut();
        let Some(listened) = state.channels.get_mut(channel) else {
            return false;
        };
        let left = listened.subscriptions.swap_remove(place);
        let (kind, member, context) = (listened.kind, left.member.as_ref(), &self.context);
        let listeners = context.directory.unsubscribed_from((channel, kind), member);
        if let Some(moved) = listened.subscriptions.get(place) {
            moved.subscriber.channels.borrow_mut().insert(channel.clone(), place);
        }
        let is_empty = listened.subscriptions.is_empty();
        let metrics = &context.metrics.rooms;
        metrics.leaves.increment(subscriber.label, ChannelType::from(kind), reason);
        metrics.participants_per_room.observe(listeners);
        if is_empty {
            state.channels.remove(channel);
            if context.directory.close_channel(channel, kind) == Turn::Edge {
                metrics.closings.increment(ChannelType::from(kind));
            }
        }
        true
    }

    /// The hot loop: a copy for each subscriber but `except`.
    pub(super) fn tell_channel(
        &self,
        (channel, except): (&Channel, Option<ConnectionId>),
        event: &Event,
        envelope: &Arc<Envelope>,
        now: Moment,
    ) {
        let held_max = self.context.limits.gap_events_max;
        let mut state = self.state.borrow_mut();
        let Some(listened) = state.channels.get_mut(channel) else {
            return;
        };
        let class = class(event, listened.kind, envelope);
        let frames = Frames::new(event, &self.encoders);
        if matches!(event, Event::Channel(_, event) if !listened.told.is_news(event)) {
            return;
        }
        let before = self.before.get();
        for Subscription { subscriber, since, given, held, .. } in &mut listened.subscriptions {
            if except == Some(subscriber.id) || is_earlier(event, before, *since) {
                continue;
            }
            match held {
                None if given.has(event) => {}
                None => push(subscriber, &frames, (class, envelope), now),
                Some(held) if held.len() < held_max => {
                    held.push(Held { envelope: envelope.clone(), before });
                }
                // It would miss some of what follows its answer, and nothing tells it which.
                Some(_) => {
                    let reason = CloseReason::SlowConsumer;
                    subscriber.outbox.abort(reason, DropReason::SlowConsumer);
                }
            }
        }
    }

    /// Tells the subscribers of a channel, or those who watch its user, who has come and gone, by what
    /// the store says.
    pub(super) fn compare_members(&self, compared: &ComparedMembers, now: Moment) {
        let ComparedMembers { channel, seen, is_sure } = compared;
        let missed = {
            let state = self.state.borrow();
            let listened = state.channels.get(channel).map(|listened| &listened.told);
            let told = listened.or_else(|| state.watched.get(channel).map(|watched| &watched.told));
            told.map(|told| told.compare(seen, *is_sure)).unwrap_or_default()
        };
        for event in missed {
            let audience = Audience::Channel(channel.clone(), ChannelKind::Presence, None);
            let event = Event::Channel(channel.clone(), event);
            let signal = Arc::new(Signal::Tell(audience, event));
            self.deliver(&Arc::new(Envelope { signal, accepted: now.into(), remote: true }), now);
        }
    }

    /// Closes the connections over which a user has signed in.
    pub(super) fn end_user(&self, app: &AppId, user: &Arc<str>) {
        let state = self.state.borrow();
        let connections = state.signed_in.get(&(app.clone(), user.clone()));
        for subscriber in connections.into_iter().flatten() {
            subscriber.outbox.end(CloseReason::Policy);
        }
    }

    fn kind_of(&self, channel: &Channel) -> Option<ChannelKind> {
        self.state.borrow().channels.get(channel).map(|listened| listened.kind)
    }
}

impl Given {
    fn of(seen: &ChannelSeen) -> Self {
        let event = seen.kept.as_ref().map(|kept| kept.edition).unwrap_or_default();
        Self { members: seen.version, event }
    }

    /// Whether an event tells nothing new.
    fn has(&self, event: &Event) -> bool {
        match event {
            Event::Channel(_, ChannelEvent::Published(_, edition)) => {
                *edition != Edition::default() && *edition <= self.event
            }
            _ => version(event).is_some_and(|version| version <= self.members),
        }
    }
}

pub(super) fn push(
    subscriber: &Subscriber,
    frames: &Frames<'_>,
    (class, envelope): (Class, &Envelope),
    now: Moment,
) {
    if let Some(frame) = frames.of(subscriber.protocol) {
        subscriber.outbox.push_accepted(frame, class, envelope.accepted, now);
    }
}

/// Whether an event was published before a subscription began. Changes of members have versions, and
/// a count that came before it may have it in.
fn is_earlier(event: &Event, before: u64, since: u64) -> bool {
    matches!(event, Event::Channel(_, ChannelEvent::Published(..))) && before < since
}

/// Which change of the channel's members an event tells of.
pub(super) fn version(event: &Event) -> Option<Version> {
    match event {
        Event::Channel(
            _,
            ChannelEvent::MemberAdded(_, version) | ChannelEvent::MemberRemoved(_, version),
        ) => Some(*version),
        _ => None,
    }
}

/// Who comes and goes is no matter of the moment: a list of members that misses one stays wrong.
fn class(event: &Event, kind: ChannelKind, envelope: &Envelope) -> Class {
    match event {
        Event::Channel(_, ChannelEvent::Published(..)) => {
            let origin = if envelope.remote { Origin::Elsewhere } else { Origin::Here };
            Class::Message(ChannelType::from(kind), origin)
        }
        _ => Class::Lasting,
    }
}
