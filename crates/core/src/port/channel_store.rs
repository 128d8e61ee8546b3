//! Channels, over all nodes.

use super::{ConnectionId, Fault};
use crate::{
    channel::{AppId, Channel, ChannelMember, Edition, Kept, Published, Version},
    time::Timestamp,
};
use async_trait::async_trait;

/// Keeps who is subscribed to which channel, over all nodes. Not durable: a node's subscriptions
/// are gone when it is, and are counted no longer within 30 seconds.
///
/// A channel is there as long as it has a subscription. A member of it is a user with at least one
/// subscription; what is said of the user is what the first of them said. Each change of a channel's
/// members has a higher version than the one before, also after the channel was not there.
#[async_trait]
pub trait ChannelStore: Send + Sync {
    /// Notes a subscription, of a member where the channel has members. One that is there already
    /// stays as it is. Where it would make one member more than there may be, nothing is noted: of
    /// many that come at once, over any nodes, no more become members than there is room for. Who was
    /// let in stays, also where the store has lost it and others have taken its place meanwhile.
    async fn subscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
    ) -> Result<ChannelChange, Fault>;

    /// Forgets a subscription.
    async fn unsubscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
    ) -> Result<ChannelChange, Fault>;

    /// What a channel is like: its members in no order, and the event that is kept, unless its time
    /// is over.
    async fn look(&self, channel: &Channel) -> Result<ChannelSeen, Fault>;

    /// The channels of an application that are there and whose names begin so, by name.
    async fn occupied(&self, app: &AppId, prefix: &str) -> Result<Vec<ChannelCount>, Fault>;

    /// Keeps the last event of a channel, whether or not it is there. Its number is higher than
    /// that of any the channel has kept before.
    async fn keep(
        &self,
        channel: &Channel,
        published: &Published,
        until: Timestamp,
    ) -> Result<Edition, Fault>;

    /// Puts right what nodes have left wrong that died or were cut off: forgets the subscriptions of
    /// nodes that are gone, and notes this node's own again where they were forgotten. The changes;
    /// of many nodes that do this at once, one is told of each. To be called every few seconds.
    async fn reconcile(&self) -> Result<Vec<(Channel, ChannelChange)>, Fault>;
}

/// Who subscribes to a channel that has members.
#[derive(Clone, Copy, Debug)]
pub struct Entrant<'a> {
    /// As whom.
    pub member: &'a ChannelMember,
    /// How many members the channel may have.
    pub members_max: u64,
}

/// What a call did to a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelChange {
    /// Subscriptions before.
    pub before: u64,
    /// Subscriptions now.
    pub after: u64,
    /// Users that have become members by it.
    pub added: Vec<ChannelMember>,
    /// Users that are members no longer.
    pub removed: Vec<ChannelMember>,
    /// The version of the channel's members.
    pub version: Version,
    /// The channel had as many members as it may have: nothing was noted.
    pub is_full: bool,
}

/// What a channel is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelSeen {
    /// How many subscriptions it has; 0 when it is not there.
    pub subscriptions: u64,
    /// Its members.
    pub members: Vec<ChannelMember>,
    /// Their version: they are what they were after the change that has it. Of a channel that is not
    /// there, one that is no lower than that of its last change, and lower than that of its next.
    pub version: Version,
    /// The last event, where it is kept.
    pub kept: Option<Kept>,
}

/// A channel, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelCount {
    /// Which.
    pub channel: Channel,
    /// How many subscriptions it has.
    pub subscriptions: u64,
    /// How many members it has.
    pub members: u64,
}
