//! Watchlists on one worker: who is told when which users sign in, and when they are gone.
//!
//! What a connection was given first is what was so after a change; the changes that follow are
//! told, each once and in their order, whichever node tells them first. A user is the only member of
//! a channel, so what was told of it is remembered as it is of members.

use super::{
    channels::{Subscriber, push, version},
    class::Class,
    frames::Frames,
    hub::Hub,
    members::Told,
};
use crate::{
    channel::{Channel, Version},
    event::{Envelope, Event, Signal},
    port::{ChannelSeen, ConnectionId},
    time::Moment,
};
use std::{collections::HashMap, rc::Rc, sync::Arc};

/// A user as one worker's connections watch it.
#[derive(Default)]
pub(super) struct Watched {
    /// What was told here of the user.
    pub(super) told: Told,
    watchers: HashMap<ConnectionId, Watcher>,
}

struct Watcher {
    subscriber: Rc<Subscriber>,
    /// What it was given is so after this change; `None` until it is.
    given: Option<Version>,
    /// What was told last while it was not: nothing before it matters.
    held: Option<Arc<Envelope>>,
}

impl Hub {
    /// A connection watches the users of these channels from now on, and no others. It hears nothing
    /// of them until it was [told](Self::watches_from) how they are.
    pub(crate) fn watch(&self, subscriber: &Rc<Subscriber>, channels: &[Channel]) {
        self.unwatch(subscriber);
        *subscriber.watches.borrow_mut() = channels.to_vec();
        let mut state = self.state.borrow_mut();
        for channel in channels {
            let watcher = Watcher { subscriber: subscriber.clone(), given: None, held: None };
            let watched = state.watched.entry(channel.clone()).or_insert_with(|| {
                self.context.directory.open_watched(channel);
                Watched::default()
            });
            watched.watchers.insert(subscriber.id, watcher);
        }
    }

    /// A connection was told how a user is: what has happened since follows.
    pub(crate) fn watches_from(
        &self,
        subscriber: &Rc<Subscriber>,
        channel: &Channel,
        seen: &ChannelSeen,
    ) {
        let given = seen.version;
        let now = self.tally.now();
        let held = {
            let mut state = self.state.borrow_mut();
            let Some(watched) = state.watched.get_mut(channel) else { return };
            let Some(watcher) = watched.watchers.get_mut(&subscriber.id) else { return };
            watched.told.give(&seen.members, given);
            watcher.given = Some(given);
            watcher.held.take()
        };
        let Some(envelope) = held else { return };
        if let Signal::Tell(_, event) = &*envelope.signal
            && version(event).is_some_and(|version| version > given)
        {
            let frames = Frames::new(event, &self.encoders);
            push(subscriber, &frames, (Class::Lasting, &envelope), now);
        }
    }

    /// A connection watches nobody any more.
    pub(super) fn unwatch(&self, subscriber: &Rc<Subscriber>) {
        let mut state = self.state.borrow_mut();
        for channel in subscriber.watches.take() {
            if let Some(watched) = state.watched.get_mut(&channel) {
                watched.watchers.remove(&subscriber.id);
                if watched.watchers.is_empty() {
                    self.context.directory.close_watched(&channel);
                    state.watched.remove(&channel);
                }
            }
        }
    }

    /// Tells those who watch a user of a change.
    pub(super) fn tell_watchers(
        &self,
        channel: &Channel,
        event: &Event,
        envelope: &Arc<Envelope>,
        now: Moment,
    ) {
        let mut state = self.state.borrow_mut();
        let Some(watched) = state.watched.get_mut(channel) else { return };
        let Event::Channel(_, change) = event else { return };
        let Some(version) = version(event).filter(|_| watched.told.is_news(change)) else {
            return;
        };
        let frames = Frames::new(event, &self.encoders);
        for watcher in watched.watchers.values_mut() {
            match watcher.given {
                None => watcher.held = Some(envelope.clone()),
                Some(given) if version <= given => {}
                Some(_) => push(&watcher.subscriber, &frames, (Class::Lasting, envelope), now),
            }
        }
    }
}
