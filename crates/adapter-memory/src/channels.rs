//! Channels in memory.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    channel::{AppId, Channel, ChannelMember, Edition, Kept, Published, Version},
    port::{
        ChannelChange, ChannelCount, ChannelSeen, ChannelStore, Clock, ConnectionId, Entrant, Fault,
    },
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

/// Who is subscribed to which channel, for one process. Bounded by the subscriptions there are, and
/// by what is published to channels that keep it while it is kept.
pub struct MemoryChannels {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order of their names.
    channels: BTreeMap<Channel, Occupied>,
    kept: HashMap<Channel, Kept>,
    /// The last change of members, over all channels.
    version: u64,
    /// The last event that was kept, over all channels.
    edition: u64,
    /// How many may be kept before those are looked for whose time is over.
    sweep_at: usize,
}

/// A channel that is there.
#[derive(Default)]
struct Occupied {
    /// Each with its user, where the channel has members.
    subscriptions: HashMap<ConnectionId, Option<Arc<str>>>,
    /// Each with its subscriptions.
    members: HashMap<Arc<str>, (ChannelMember, usize)>,
    /// The last change of the members.
    version: Version,
}

/// Kept events below which nothing is swept.
const SWEEP_MIN: usize = 64;

impl MemoryChannels {
    /// No channels. `clock` says when the time of what is kept is over.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }
}

#[async_trait]
impl ChannelStore for MemoryChannels {
    async fn subscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
    ) -> Result<ChannelChange, Fault> {
        let State { channels, version, .. } = &mut *lock(&self.state);
        let occupied = channels.entry(channel.clone()).or_default();
        let subscribe = |occupied: &mut Occupied, change: &mut ChannelChange| {
            occupied.subscribe(connection, entrant, change);
        };
        let change = occupied.change(version, subscribe);
        if change.after == 0 {
            channels.remove(channel);
        }
        Ok(change)
    }

    async fn unsubscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
    ) -> Result<ChannelChange, Fault> {
        let State { channels, version, .. } = &mut *lock(&self.state);
        let Some(occupied) = channels.get_mut(channel) else {
            return Ok(ChannelChange::default());
        };
        let unsubscribe = |occupied: &mut Occupied, change: &mut ChannelChange| {
            occupied.unsubscribe(connection, change);
        };
        let change = occupied.change(version, unsubscribe);
        if change.after == 0 {
            channels.remove(channel);
        }
        Ok(change)
    }

    async fn look(&self, channel: &Channel) -> Result<ChannelSeen, Fault> {
        let now = self.clock.now();
        let state = lock(&self.state);
        let kept = state.kept.get(channel).filter(|kept| kept.until > now).cloned();
        let occupied = state.channels.get(channel);
        Ok(ChannelSeen {
            subscriptions: occupied.map_or(0, Occupied::count),
            members: occupied.map(Occupied::members).unwrap_or_default(),
            version: occupied.map_or(Version(state.version), |occupied| occupied.version),
            kept,
        })
    }

    async fn occupied(&self, app: &AppId, prefix: &str) -> Result<Vec<ChannelCount>, Fault> {
        let state = lock(&self.state);
        let from = state.channels.range(Channel::new(app, prefix)..);
        let found = from
            .take_while(|(channel, _)| channel.app() == app && channel.name().starts_with(prefix));
        let count = |(channel, occupied): (&Channel, &Occupied)| ChannelCount {
            channel: channel.clone(),
            subscriptions: occupied.count(),
            members: occupied.members.len() as u64,
        };
        Ok(found.map(count).collect())
    }

    async fn keep(
        &self,
        channel: &Channel,
        published: &Published,
        until: Timestamp,
    ) -> Result<Edition, Fault> {
        let mut state = lock(&self.state);
        state.edition += 1;
        let edition = Edition(state.edition);
        let kept = Kept { published: published.clone(), until, edition };
        state.kept.insert(channel.clone(), kept);
        if state.kept.len() > state.sweep_at {
            let now = self.clock.now();
            state.kept.retain(|_, kept| kept.until > now);
            state.sweep_at = (2 * state.kept.len()).max(SWEEP_MIN);
        }
        Ok(edition)
    }

    async fn reconcile(&self) -> Result<Vec<(Channel, ChannelChange)>, Fault> {
        // Nobody else writes here.
        Ok(Vec::new())
    }
}

impl Occupied {
    fn count(&self) -> u64 {
        self.subscriptions.len() as u64
    }

    fn members(&self) -> Vec<ChannelMember> {
        self.members.values().map(|(member, _)| member.clone()).collect()
    }

    fn change(
        &mut self,
        last: &mut u64,
        change: impl FnOnce(&mut Self, &mut ChannelChange),
    ) -> ChannelChange {
        let mut changed = ChannelChange { before: self.count(), ..ChannelChange::default() };
        change(self, &mut changed);
        changed.after = self.count();
        if !(changed.added.is_empty() && changed.removed.is_empty()) {
            *last += 1;
            self.version = Version(*last);
        }
        changed.version = self.version;
        changed
    }

    fn subscribe(
        &mut self,
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
        change: &mut ChannelChange,
    ) {
        if self.subscriptions.contains_key(&connection) {
            return;
        }
        change.is_full = entrant.is_some_and(|Entrant { member, members_max }| {
            !self.members.contains_key(&member.user) && self.members.len() as u64 >= members_max
        });
        if change.is_full {
            return;
        }
        let member = entrant.map(|entrant| entrant.member);
        self.subscriptions.insert(connection, member.map(|member| member.user.clone()));
        if let Some(member) = member {
            let known = self.members.entry(member.user.clone());
            let (_, subscriptions) = known.or_insert_with(|| {
                change.added.push(member.clone());
                (member.clone(), 0)
            });
            *subscriptions += 1;
        }
    }

    fn unsubscribe(&mut self, connection: ConnectionId, change: &mut ChannelChange) {
        let Some(Some(user)) = self.subscriptions.remove(&connection) else {
            return;
        };
        let Some((_, subscriptions)) = self.members.get_mut(&user) else {
            return;
        };
        *subscriptions -= 1;
        if *subscriptions == 0 {
            change.removed.extend(self.members.remove(&user).map(|(member, _)| member));
        }
    }
}
