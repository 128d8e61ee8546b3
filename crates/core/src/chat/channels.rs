//! Channels: publishing to them, and telling who comes and goes.

use super::{Chat, Passing};
use crate::{
    channel::{AppId, Channel, ChannelEvent, ChannelKind, ChannelMember, Edition, Published},
    event::{Accepted, Audience, Envelope, Event, Signal, Topic},
    labels::{ChannelType, Direction, JoinRefusal, MessageErrorReason},
    limits::CHANNEL_COUNT_AT_ONCE_MAX,
    port::{
        BusError, ChannelChange, ChannelCount, ChannelSeen, ConnectionId, Entrant, Fault, Mark,
        Passage,
    },
    webhook::What,
};
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Locks that keep what is published to one channel on this node in one order on the way to the bus
/// and, where there is no other node, to the workers.
const GATES: usize = 64;

/// How often a count is told that is not told at each change.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// What keeps channels in order.
pub(super) struct Gates {
    hasher: RandomState,
    gates: [tokio::sync::Mutex<()>; GATES],
    /// Channels whose count has changed and was not told.
    uncounted: Mutex<HashSet<(Channel, ChannelKind)>>,
}

/// To whom something is published, and for how long it stays.
#[derive(Clone, Copy, Debug)]
pub struct Publication {
    /// Of what kind the channel is.
    pub kind: ChannelKind,
    /// A connection that is not to hear it.
    pub except: Option<ConnectionId>,
    /// How long the channel keeps it as its last event; `None` where it keeps none.
    pub kept: Option<Duration>,
    /// When it was received.
    pub accepted: Accepted,
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The other nodes cannot be told, or may not have been.
    #[error("the other nodes cannot be told: {0}")]
    Bus(#[from] BusError),
    /// What the channel is to keep cannot be kept. Nobody was told.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Chat {
    /// Tells every subscriber of a channel, on all nodes. When this answers, it has its place among
    /// all that is published to the channel, which everybody hears in the same order.
    pub async fn publish(
        &self,
        channel: &Channel,
        published: Published,
        publication: Publication,
    ) -> Result<(), PublishError> {
        let Publication { kind, except, kept, accepted } = publication;
        let metrics = &self.metrics().messages;
        metrics.broadcasts.increment(ChannelType::from(kind));
        metrics.size.observe(published.data.len(), Direction::Out);
        let turn = self.channels.gate(channel).lock().await;
        let mut edition = Edition::default();
        if let Some(time) = kept {
            let until = self.clock().now().plus(time);
            let keeping = self.ports.channels.keep(channel, &published, until).await;
            edition =
                keeping.inspect_err(|_| metrics.errors.increment(MessageErrorReason::Storage))?;
        }
        let event = Event::Channel(channel.clone(), ChannelEvent::Published(published, edition));
        let audience = Audience::Channel(channel.clone(), kind, except);
        let signal = Arc::new(Signal::Tell(audience, event));
        let envelope = Arc::new(Envelope { signal, accepted, remote: false });
        let broken = |_: &BusError| metrics.errors.increment(MessageErrorReason::Broker);
        let passage = self.ports.bus.publish_in_order(envelope.clone()).await;
        let passage = passage.inspect_err(broken)?;
        self.show_signal(&envelope.signal);
        match passage {
            Passage::Alone => self.shards.deliver(envelope).await,
            Passage::Underway(underway) => {
                // The next one may follow at once: the bus keeps them in their order.
                drop(turn);
                underway.arrived().await.inspect_err(broken)?;
            }
        }
        Ok(())
    }

    /// What a channel is like, over all nodes.
    pub async fn channel(&self, channel: &Channel) -> Result<ChannelSeen, Fault> {
        self.ports.channels.look(channel).await
    }

    /// The channels of an application that have subscribers and whose names begin so.
    pub async fn occupied_channels(
        &self,
        app: &AppId,
        prefix: &str,
    ) -> Result<Vec<ChannelCount>, Fault> {
        let mut occupied = self.ports.channels.occupied(app, prefix).await?;
        occupied.retain(|count| !count.channel.is_of_signed_in());
        Ok(occupied)
    }

    /// Closes the connections over which a user of an application has signed in, on all nodes; on
    /// this one also where the others cannot be told.
    pub async fn end_user(&self, app: &AppId, user: Arc<str>) -> Result<(), BusError> {
        let signal = Arc::new(Signal::EndUser(app.clone(), user));
        let accepted = self.clock().moment().into();
        let envelope = Envelope { signal: signal.clone(), accepted, remote: false };
        self.shards.deliver(Arc::new(envelope)).await;
        self.ports.bus.publish(signal).await
    }

    /// Puts channels right after nodes have died or were cut off, and tells who has gone with them.
    /// Called every few seconds.
    pub async fn reconcile_channels(&self) -> Result<(), Fault> {
        for (channel, change) in self.ports.channels.reconcile().await? {
            self.note_occupancy(&channel, &change);
            self.tell_change(&channel, change, None).await;
        }
        Ok(())
    }

    /// Tells the counts that were not told at once; for the server to spawn.
    pub async fn tell_counts(&self) {
        let mut ticks = tokio::time::interval(COUNT_EVERY);
        loop {
            ticks.tick().await;
            for (channel, kind) in self.channels.take_uncounted() {
                if let Ok(seen) = self.ports.channels.look(&channel).await {
                    self.tell_count(&channel, kind, seen.subscriptions).await;
                }
            }
        }
    }

    /// Marks where a subscription begins in the order of what is published to its channel. A bus that
    /// fails is counted: what it still brings is then told, too.
    pub(crate) async fn mark(&self, channel: &Channel) -> Arc<Mark> {
        self.ports.bus.mark(Topic::Channel(channel)).await.unwrap_or_else(|_counted| {
            let mark = Mark::default();
            mark.is_void();
            Arc::new(mark)
        })
    }

    /// Notes a subscription; what the channel is like with it, where that is to be told.
    pub(crate) async fn subscribed(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
    ) -> Result<ChannelChange, Fault> {
        let change = self.ports.channels.subscribe(channel, connection, entrant).await;
        let change = change.inspect(|change| self.note_occupancy(channel, change));
        let change = match change {
            // Nobody else knows of it until the store is back and is put right.
            Err(_) if kind != ChannelKind::Presence => Ok(ChannelChange::default()),
            change => change,
        };
        let user = || entrant.map(|entrant| entrant.member.user.clone());
        change.inspect(|change| {
            if !change.is_full {
                self.show_passing(channel, || Passing::Subscribed(connection, user()));
            }
        })
    }

    /// Forgets a subscription that was noted, and tells who has gone with it.
    pub(crate) async fn unsubscribed(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        connection: ConnectionId,
        counts: bool,
    ) {
        self.show_passing(channel, || Passing::Unsubscribed(connection));
        // A store that fails is put right when it is back.
        if let Ok(change) = self.ports.channels.unsubscribe(channel, connection).await {
            let after = change.after;
            self.note_occupancy(channel, &change);
            self.tell_change(channel, change, None).await;
            if counts {
                self.count_subscriptions((channel, kind), after).await;
            }
        }
    }

    /// The same of a subscription that was refused: who has become a member by it alone goes in
    /// silence, as nobody has heard of it.
    pub(crate) async fn retract(
        &self,
        (channel, _): (&Channel, ChannelKind),
        connection: ConnectionId,
        (added, was_noted): (&[ChannelMember], bool),
    ) {
        if let Ok(mut change) = self.ports.channels.unsubscribe(channel, connection).await {
            // Webhooks may have heard that the channel is occupied.
            self.note_occupancy(channel, &change);
            if was_noted {
                self.show_passing(channel, || Passing::Unsubscribed(connection));
            }
            change.removed.retain(|gone| !added.iter().any(|new| new.user == gone.user));
            self.tell_change(channel, change, None).await;
        }
    }

    /// Tells a channel who has become a member and who is none any more, but for `except`.
    pub(crate) async fn tell_change(
        &self,
        channel: &Channel,
        change: ChannelChange,
        except: Option<ConnectionId>,
    ) {
        let version = change.version;
        self.note_members(channel, &change);
        let added = change.added.into_iter();
        let added = added.map(|member| ChannelEvent::MemberAdded(member, version));
        let removed = change.removed.into_iter();
        let removed = removed.map(|member| ChannelEvent::MemberRemoved(member.user, version));
        for event in added.chain(removed) {
            self.tell_in((channel, ChannelKind::Presence), event, except).await;
        }
    }

    /// Tells a channel how many subscriptions it has: at once where there are few, and once in a
    /// while where there are many.
    pub(crate) async fn count_subscriptions(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        count: u64,
    ) {
        if matches!(kind, ChannelKind::Presence | ChannelKind::Own) || count == 0 {
            return;
        }
        if count <= CHANNEL_COUNT_AT_ONCE_MAX {
            self.tell_count(channel, kind, count).await;
        } else {
            self.channels.uncounted().insert((channel.clone(), kind));
        }
    }

    /// Counts a refused subscription.
    pub fn count_refused_subscription(&self, kind: ChannelKind, reason: JoinRefusal) {
        self.metrics().rooms.join_failures.increment(ChannelType::from(kind), reason);
    }

    async fn tell_count(&self, channel: &Channel, kind: ChannelKind, count: u64) {
        self.note(channel, What::Counted(count));
        self.tell_in((channel, kind), ChannelEvent::Counted(count), None).await;
    }

    /// A bus that fails is counted. What the store says of members is right all the same, and is told
    /// to whoever subscribes next.
    async fn tell_in(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        event: ChannelEvent,
        except: Option<ConnectionId>,
    ) {
        let audience = Audience::Channel(channel.clone(), kind, except);
        self.tell(Signal::Tell(audience, Event::Channel(channel.clone(), event))).await;
    }
}

impl Gates {
    fn gate(&self, channel: &Channel) -> &tokio::sync::Mutex<()> {
        let hash = self.hasher.hash_one(channel);
        // The remainder is less than the number of gates.
        &self.gates[usize::try_from(hash % GATES as u64).unwrap_or(0)]
    }

    fn uncounted(&self) -> std::sync::MutexGuard<'_, HashSet<(Channel, ChannelKind)>> {
        self.uncounted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_uncounted(&self) -> HashSet<(Channel, ChannelKind)> {
        std::mem::take(&mut *self.uncounted())
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            gates: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            uncounted: Mutex::default(),
        }
    }
}
