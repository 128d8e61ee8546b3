//! A connection of an application: it subscribes to channels, and hears them through its outbox.

use super::Shard;
use crate::{
    channel::{AppId, Channel, ChannelKind, ChannelMember, Published},
    chat::{Publication, PublishError},
    event::Accepted,
    fanout::{Outbox, Subscriber},
    labels::{JoinRefusal, UnsubscribeReason, WebhookEvent},
    metrics::App,
    port::{ChannelChange, ChannelSeen, ConnectionId, Entrant, Fault},
    webhook::What,
};
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// Who connects for an application, and how.
#[derive(Clone, Debug)]
pub struct AppGreeting {
    /// The connection's identity.
    pub connection: ConnectionId,
    /// Whose it is.
    pub app: AppId,
    /// The same, as it is counted.
    pub label: App,
    /// The number of its protocol's encoder.
    pub protocol: usize,
    /// Connections that the application may have on this node.
    pub connections_max: usize,
    /// Whether the application's channels hear how many subscriptions they have.
    pub counts: bool,
}

/// An open connection of an application. Dropping it takes it out of every channel, and tells
/// others of the members that have gone with it.
pub struct AppConnection {
    pub(super) shard: Shard,
    pub(super) subscriber: Rc<Subscriber>,
    counts: bool,
}

/// The application has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the application has as many connections as it may have")]
pub struct AppFull;

/// What a connection subscribes to.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// To which channel.
    pub channel: Channel,
    /// Of what kind it is.
    pub kind: ChannelKind,
    /// As whom, where the channel has members.
    pub member: Option<ChannelMember>,
    /// Whether the channel keeps its last event.
    pub keeps: bool,
}

/// Why a connection may not subscribe.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeToError {
    /// It has subscribed already, or is about to.
    #[error("the connection is subscribed to the channel already")]
    Already,
    /// It is subscribed to as many channels as it may be.
    #[error("the connection is subscribed to too many channels")]
    TooMany,
    /// The channel has as many members as it may have.
    #[error("the channel has as many members as it may have")]
    Full,
    /// The channel store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a connection may not say something in a channel.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// It is not subscribed.
    #[error("the connection is not subscribed to the channel")]
    NotSubscribed,
    /// It could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// A subscription whose answer is being made. Until it is dropped, what happens in the channel is
/// held back.
pub struct Subscribing {
    shard: Shard,
    subscriber: Rc<Subscriber>,
    channel: Channel,
    /// What the channel is like; its members and the event that it keeps where it has them.
    pub seen: ChannelSeen,
}

impl Shard {
    /// Takes a connection of an application, into `outbox`.
    pub fn connect_for(
        &self,
        greeting: AppGreeting,
        outbox: Rc<Outbox>,
    ) -> Result<AppConnection, AppFull> {
        let directory = self.chat().directory();
        if !directory.arrive_for(&greeting.app, greeting.connections_max) {
            return Err(AppFull);
        }
        let subscriber = Rc::new(Subscriber {
            id: greeting.connection,
            app: greeting.app,
            label: greeting.label,
            protocol: greeting.protocol,
            outbox,
            channels: RefCell::default(),
            user: RefCell::default(),
            watches: RefCell::default(),
        });
        self.hub().admit();
        Ok(AppConnection { shard: self.clone(), subscriber, counts: greeting.counts })
    }
}

impl AppConnection {
    /// Which connection this is.
    pub fn id(&self) -> ConnectionId {
        self.subscriber.id
    }

    /// Where its frames go.
    pub fn outbox(&self) -> &Rc<Outbox> {
        &self.subscriber.outbox
    }

    /// How many channels it is subscribed to.
    pub fn channels(&self) -> usize {
        self.subscriber.channels.borrow().len()
    }

    /// Whether it is subscribed to a channel, or about to be.
    pub fn is_subscribed(&self, channel: &Channel) -> bool {
        self.subscriber.channels.borrow().contains_key(channel)
    }

    /// Who has signed in over it.
    pub fn user(&self) -> Option<Arc<str>> {
        self.subscriber.user.borrow().clone()
    }

    /// Subscribes to a channel, and hears it once the answer was given. `members_max` users may be
    /// members of it.
    pub async fn subscribe(
        &self,
        subscription: &Subscription,
        members_max: u64,
    ) -> Result<Subscribing, SubscribeToError> {
        let kind = subscription.kind;
        let subscribed = self.try_subscribe(subscription, members_max).await;
        subscribed.inspect_err(|error| {
            let reason = match error {
                SubscribeToError::Already => JoinRefusal::Duplicate,
                SubscribeToError::TooMany | SubscribeToError::Full => JoinRefusal::Full,
                SubscribeToError::Fault(_) => JoinRefusal::BackendError,
            };
            self.shard.chat().count_refused_subscription(kind, reason);
        })
    }

    async fn try_subscribe(
        &self,
        subscription: &Subscription,
        members_max: u64,
    ) -> Result<Subscribing, SubscribeToError> {
        let Subscription { channel, kind, member, keeps } = subscription;
        let (chat, place) = (self.shard.chat(), (channel, *kind));
        if self.is_subscribed(channel) {
            return Err(SubscribeToError::Already);
        }
        if self.channels() >= chat.limits().rooms_per_connection_max {
            return Err(SubscribeToError::TooMany);
        }
        // Listening begins before looking, so that nothing falls between the two. What is held back
        // goes with it when the caller gives up.
        let user = member.as_ref().map(|member| &member.user);
        self.shard.hub().hold_in(place, &self.subscriber, user);
        let mut leaving = Leaving { connection: self, place, is_done: false };
        let (change, seen) = match self.admit(subscription, members_max).await {
            Ok(admitted) => admitted,
            // It is taken back before it is answered: who asks again at once finds nothing of it.
            Err((error, added)) => {
                let was_noted = !matches!(error, SubscribeToError::Full);
                chat.retract(place, self.id(), (&added, was_noted)).await;
                let reason = UnsubscribeReason::Server;
                self.shard.hub().unsubscribe_from(channel, &self.subscriber, reason);
                leaving.is_done = true;
                return Err(error);
            }
        };
        leaving.is_done = true;
        if *keeps && seen.kept.is_none() {
            chat.note(channel, What::CacheMiss);
        }
        chat.tell_change(channel, change, Some(self.id())).await;
        if self.counts {
            chat.count_subscriptions(place, seen.subscriptions).await;
        }
        Ok(Subscribing {
            shard: self.shard.clone(),
            subscriber: self.subscriber.clone(),
            channel: channel.clone(),
            seen,
        })
    }

    /// Notes the subscription, and looks at the channel where that is to be told. A refusal comes
    /// with who has become a member by it, of which nobody has heard.
    async fn admit(
        &self,
        subscription: &Subscription,
        members_max: u64,
    ) -> Result<(ChannelChange, ChannelSeen), (SubscribeToError, Vec<ChannelMember>)> {
        let Subscription { channel, kind, member, keeps } = subscription;
        let chat = self.shard.chat();
        let entrant = member.as_ref().map(|member| Entrant { member, members_max });
        // It is set before the store is asked, and is on its way while the store answers.
        let mark = chat.mark(channel).await;
        let change = chat.subscribed((channel, *kind), self.id(), entrant).await;
        let change = change.map_err(|fault| (fault.into(), Vec::new()))?;
        if change.is_full {
            return Err((SubscribeToError::Full, Vec::new()));
        }
        // What another node has published before this began may still be about to come here.
        if let Some(since) = mark.heard().await {
            self.shard.hub().begin_in(channel, &self.subscriber, since);
        }
        let unseen = ChannelSeen { subscriptions: change.after, ..ChannelSeen::default() };
        let seen = match (kind, keeps) {
            // Nobody may be told a list of members that is none.
            (ChannelKind::Presence, _) => match chat.channel(channel).await {
                Ok(seen) => seen,
                Err(fault) => return Err((fault.into(), change.added)),
            },
            (_, true) => chat.channel(channel).await.unwrap_or(unseen),
            (_, false) => unseen,
        };
        Ok((change, seen))
    }

    /// Is subscribed to a channel no longer; whether it was.
    pub async fn unsubscribe(&self, channel: &Channel, kind: ChannelKind) -> bool {
        let hub = self.shard.hub();
        let reason = UnsubscribeReason::Client;
        let was = hub.unsubscribe_from(channel, &self.subscriber, reason);
        if was {
            self.shard.chat().unsubscribed((channel, kind), self.id(), self.counts).await;
        }
        was
    }

    /// Says something to all others in a channel.
    pub async fn say(
        &self,
        (channel, kind): (&Channel, ChannelKind),
        published: Published,
        accepted: Accepted,
    ) -> Result<(), SayError> {
        if !self.is_subscribed(channel) {
            return Err(SayError::NotSubscribed);
        }
        let except = Some(self.id());
        let publication = Publication { kind, except, kept: None, accepted };
        let chat = self.shard.chat();
        let wanted = chat.is_wanted(channel, WebhookEvent::ClientEvent);
        let noted = wanted.then(|| published.clone());
        chat.publish(channel, published, publication).await?;
        if let Some(Published { event, data, user }) = noted {
            let what = What::ClientEvent { event, data, connection: self.id(), user };
            chat.note(channel, what);
        }
        Ok(())
    }
}

/// Takes a connection out of a channel again when its subscription is given up halfway.
struct Leaving<'a> {
    connection: &'a AppConnection,
    place: (&'a Channel, ChannelKind),
    is_done: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let AppConnection { shard, subscriber, .. } = self.connection;
            let ((channel, kind), reason) = (self.place, UnsubscribeReason::Server);
            shard.hub().unsubscribe_from(channel, subscriber, reason);
            shard.depart_from(AppDeparture {
                connection: subscriber.id,
                channels: vec![(channel.clone(), kind)],
                counts: false,
            });
        }
    }
}

impl Drop for Subscribing {
    fn drop(&mut self) {
        self.shard.hub().release_in(&self.channel, &self.subscriber, &self.seen);
    }
}

impl Drop for AppConnection {
    fn drop(&mut self) {
        self.subscriber.outbox.give_up();
        let user = self.user();
        let mut channels = self.shard.hub().dismiss(&self.subscriber);
        let signed_in = user.map(|user| Channel::of_signed_in(&self.subscriber.app, &user));
        channels.extend(signed_in.map(|channel| (channel, ChannelKind::Presence)));
        self.shard.chat().directory().depart_for(&self.subscriber.app);
        let (connection, counts) = (self.id(), self.counts);
        self.shard.depart_from(AppDeparture { connection, channels, counts });
    }
}

/// A connection of an application that has gone, and the channels it was subscribed to.
pub(super) struct AppDeparture {
    pub(super) connection: ConnectionId,
    pub(super) channels: Vec<(Channel, ChannelKind)>,
    /// Whether its channels hear how many subscriptions they have.
    pub(super) counts: bool,
}
