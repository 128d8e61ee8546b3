//! The directory: which rooms, channels and users this node has, counted once however many workers
//! have a part of them.

use crate::{
    channel::{AppId, Channel, ChannelKind},
    name::{RoomName, UserName},
    room::RoomKind,
};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard},
};

/// What this node has open. Touched when a worker meets a room or a user for the first or last
/// time, never per message.
#[derive(Debug, Default)]
pub struct Directory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rooms: Places<RoomName, RoomKind>,
    channels: Places<Channel, ChannelKind>,
    /// How many workers have connections that watch the user of the channel.
    watched: HashMap<Channel, usize>,
    /// How many connections the user has.
    users: HashMap<UserName, usize>,
    /// How many connections the application has.
    apps: HashMap<AppId, usize>,
    /// The channels added up, so that nobody who counts has to look at each.
    open: HashMap<(AppId, ChannelKind), OpenChannels>,
}

/// What an application has open of one kind of channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenChannels {
    /// Channels.
    pub channels: usize,
    /// Their subscriptions.
    pub subscriptions: usize,
    /// Their members by connections of this node: a user of two channels is two.
    pub members: usize,
}

/// What connections listen to.
#[derive(Debug)]
struct Places<N, K>(HashMap<N, Place<K>>);

#[derive(Debug)]
struct Place<K> {
    kind: K,
    /// Workers that have listeners in it.
    workers: usize,
    /// Connections that listen to it.
    listeners: usize,
    /// Users that are members by them, each with how many; of a presence channel only.
    members: HashMap<Arc<str>, usize>,
}

/// Whether something is new to the node, or gone from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// This was the first, or the last.
    Edge,
    /// There were, or are, others.
    Middle,
}

impl Directory {
    /// Rooms of a kind with at least one subscriber, and their subscriptions.
    pub fn rooms(&self, kind: RoomKind) -> (usize, usize) {
        self.lock().rooms.count(|_, other| other == kind)
    }

    /// Channels of an application and a kind with at least one subscriber, and what they have.
    pub fn channels(&self, app: &AppId, kind: ChannelKind) -> OpenChannels {
        self.lock().open.get(&(app.clone(), kind)).copied().unwrap_or_default()
    }

    /// The rooms with at least one subscriber.
    pub fn names(&self) -> Vec<RoomName> {
        self.lock().rooms.0.keys().cloned().collect()
    }

    /// The channels of whose members somebody is told: those with at least one subscriber, and those
    /// of users that are watched.
    pub(crate) fn channels_with_members(&self) -> Vec<Channel> {
        let inner = self.lock();
        let presence =
            inner.channels.0.iter().filter(|(_, place)| place.kind == ChannelKind::Presence);
        presence.map(|(channel, _)| channel).chain(inner.watched.keys()).cloned().collect()
    }

    /// Subscriptions to a room on this node.
    pub fn listeners(&self, room: &RoomName) -> usize {
        self.lock().rooms.0.get(room).map_or(0, |room| room.listeners)
    }

    /// Connections of an application.
    pub fn connections_of(&self, app: &AppId) -> usize {
        self.lock().apps.get(app).copied().unwrap_or_default()
    }

    /// Users with at least one connection.
    pub fn users(&self) -> usize {
        self.lock().users.len()
    }

    /// A connection asks to be counted; refused when the user has `connections_max` already.
    pub(crate) fn arrive(&self, user: &UserName, connections_max: usize) -> bool {
        arrive(&mut self.lock().users, user, connections_max)
    }

    pub(crate) fn depart(&self, user: &UserName) {
        depart(&mut self.lock().users, user);
    }

    /// The same for a connection of an application.
    pub(crate) fn arrive_for(&self, app: &AppId, connections_max: usize) -> bool {
        arrive(&mut self.lock().apps, app, connections_max)
    }

    pub(crate) fn depart_for(&self, app: &AppId) {
        depart(&mut self.lock().apps, app);
    }

    pub(super) fn open(&self, room: &RoomName, kind: RoomKind) -> Turn {
        self.lock().rooms.open(room, kind)
    }

    pub(super) fn close(&self, room: &RoomName) -> Turn {
        self.lock().rooms.close(room)
    }

    /// Counts a subscription; how many the room has now.
    pub(super) fn subscribed(&self, room: &RoomName) -> usize {
        self.lock().rooms.subscribed(room)
    }

    /// The same for one that ended.
    pub(super) fn unsubscribed(&self, room: &RoomName) -> usize {
        self.lock().rooms.unsubscribed(room)
    }

    pub(super) fn open_channel(&self, channel: &Channel, kind: ChannelKind) -> Turn {
        let mut inner = self.lock();
        let turn = inner.channels.open(channel, kind);
        if turn == Turn::Edge {
            inner.sum(channel, kind).channels += 1;
        }
        turn
    }

    /// A worker meets a user for the first time that a connection watches.
    pub(super) fn open_watched(&self, channel: &Channel) {
        arrive(&mut self.lock().watched, channel, usize::MAX);
    }

    pub(super) fn close_watched(&self, channel: &Channel) {
        depart(&mut self.lock().watched, channel);
    }

    pub(super) fn close_channel(&self, channel: &Channel, kind: ChannelKind) -> Turn {
        let mut inner = self.lock();
        let turn = inner.channels.close(channel);
        if turn == Turn::Edge {
            inner.sum(channel, kind).channels -= 1;
        }
        turn
    }

    /// Counts a subscription, of a member where the channel has members; how many there are now.
    pub(super) fn subscribed_to(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        member: Option<&Arc<str>>,
    ) -> usize {
        let mut inner = self.lock();
        inner.sum(channel, kind).subscriptions += 1;
        if let (Some(user), Some(place)) = (member, inner.channels.0.get_mut(channel)) {
            let before = place.members.len();
            arrive(&mut place.members, user, usize::MAX);
            let new = place.members.len() - before;
            inner.sum(channel, kind).members += new;
        }
        inner.channels.subscribed(channel)
    }

    /// The same for one that ended.
    pub(super) fn unsubscribed_from(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        member: Option<&Arc<str>>,
    ) -> usize {
        let mut inner = self.lock();
        inner.sum(channel, kind).subscriptions -= 1;
        if let (Some(user), Some(place)) = (member, inner.channels.0.get_mut(channel)) {
            let before = place.members.len();
            depart(&mut place.members, user);
            let gone = before - place.members.len();
            inner.sum(channel, kind).members -= gone;
        }
        inner.channels.unsubscribed(channel)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics")
    }
}

impl Inner {
    fn sum(&mut self, channel: &Channel, kind: ChannelKind) -> &mut OpenChannels {
        self.open.entry((channel.app().clone(), kind)).or_default()
    }
}

fn arrive<N: Clone + Eq + Hash>(
    counts: &mut HashMap<N, usize>,
    name: &N,
    connections_max: usize,
) -> bool {
    let connections = counts.get(name).copied().unwrap_or(0);
    let taken = connections < connections_max;
    if taken {
        counts.insert(name.clone(), connections + 1);
    }
    taken
}

fn depart<N: Eq + Hash>(counts: &mut HashMap<N, usize>, name: &N) {
    if let Some(connections) = counts.get_mut(name) {
        *connections -= 1;
        if *connections == 0 {
            counts.remove(name);
        }
    }
}

impl<N: Clone + Eq + Hash, K: Copy> Places<N, K> {
    /// Places of a sort, and their subscriptions.
    fn count(&self, are_meant: impl Fn(&N, K) -> bool) -> (usize, usize) {
        let meant = self.0.iter().filter(|(name, place)| are_meant(name, place.kind));
        meant.fold((0, 0), |(places, all), (_, place)| (places + 1, all + place.listeners))
    }

    fn open(&mut self, name: &N, kind: K) -> Turn {
        let fresh = || Place { kind, workers: 0, listeners: 0, members: HashMap::new() };
        let place = self.0.entry(name.clone()).or_insert_with(fresh);
        place.workers += 1;
        if place.workers == 1 { Turn::Edge } else { Turn::Middle }
    }

    fn close(&mut self, name: &N) -> Turn {
        let Some(place) = self.0.get_mut(name) else {
            return Turn::Middle;
        };
        place.workers -= 1;
        if place.workers > 0 {
            return Turn::Middle;
        }
        self.0.remove(name);
        Turn::Edge
    }

    fn subscribed(&mut self, name: &N) -> usize {
        self.0.get_mut(name).map_or(0, |place| {
            place.listeners += 1;
            place.listeners
        })
    }

    fn unsubscribed(&mut self, name: &N) -> usize {
        self.0.get_mut(name).map_or(0, |place| {
            place.listeners -= 1;
            place.listeners
        })
    }
}

impl<N, K> Default for Places<N, K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}
