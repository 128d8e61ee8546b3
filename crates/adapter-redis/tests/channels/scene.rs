//! Subscribing, looking and putting right, in few words.

use campanile_adapter_redis::Redis;
use campanile_core::{
    channel::{AppId, Channel, ChannelMember},
    port::{ChannelChange, ChannelSeen, ChannelStore, ConnectionId, Entrant},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn app(id: &str) -> AppId {
    AppId::parse(id).unwrap()
}

pub(crate) fn channel(name: &str) -> Channel {
    Channel::new(&app("shop"), name)
}

pub(crate) fn member(user: &str) -> ChannelMember {
    ChannelMember { user: user.into(), info: Some(format!("{{\"name\":\"{user}\"}}").into()) }
}

/// A member of a channel that has room for it.
pub(crate) fn enters(member: &ChannelMember) -> Option<Entrant<'_>> {
    Some(Entrant { member, members_max: u64::MAX })
}

/// Subscribes; who has become a member.
pub(crate) async fn subscribe(
    node: &Redis,
    channel: &Channel,
    number: u64,
    user: &str,
) -> Vec<ChannelMember> {
    let (channels, member) = (node.channels(), member(user));
    channels.subscribe(channel, ConnectionId(number), enters(&member)).await.unwrap().added
}

pub(crate) async fn unsubscribe(node: &Redis, channel: &Channel, number: u64) -> ChannelChange {
    node.channels().unsubscribe(channel, ConnectionId(number)).await.unwrap()
}

pub(crate) async fn look(node: &Redis, channel: &Channel) -> ChannelSeen {
    let mut seen = node.channels().look(channel).await.unwrap();
    seen.members.sort_by(|one, other| one.user.cmp(&other.user));
    seen
}

pub(crate) async fn occupied(node: &Redis) -> Vec<(String, u64, u64)> {
    let counts = node.channels().occupied(&app("shop"), "").await.unwrap();
    let counts = counts.into_iter();
    counts.map(|count| (count.channel.name().into(), count.subscriptions, count.members)).collect()
}

pub(crate) type Changes = Vec<(Channel, ChannelChange)>;

pub(crate) async fn reconcile(node: &Redis) -> Changes {
    node.channels().reconcile().await.unwrap()
}

pub(crate) fn removed(changes: &Changes) -> Vec<String> {
    let removed = changes.iter().flat_map(|(_, change)| &change.removed);
    let mut users: Vec<_> = removed.map(|member| member.user.to_string()).collect();
    users.sort();
    users
}

pub(crate) fn added(changes: &Changes) -> Vec<String> {
    let added = changes.iter().flat_map(|(_, change)| &change.added);
    let mut users: Vec<_> = added.map(|member| member.user.to_string()).collect();
    users.sort();
    users
}

/// Waits until a node has both its connections.
pub(crate) async fn is_well(node: &Redis) {
    let started = Instant::now();
    while node.probe().await.is_err() {
        assert!(started.elapsed() < PATIENCE, "it finds back");
        sleep(Duration::from_millis(20)).await;
    }
}
