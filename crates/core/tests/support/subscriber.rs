//! Connections of an application, read as lines of text, and what is published to them.

use super::{Node, lines};
use campanile_core::{
    channel::{AppId, Channel, ChannelEvent, ChannelKind, ChannelMember, Data, Published},
    chat::Publication,
    connection::{AppConnection, AppFull, AppGreeting, Subscription},
    event::{Audience, Envelope, Event, Signal},
    fanout::Outbox,
    labels::Transport,
    port::ConnectionId,
};
use std::{rc::Rc, sync::Arc, time::Duration};

pub(crate) const MEMBERS_MAX: u64 = 3;

pub(crate) struct Client {
    pub(crate) connection: AppConnection,
    pub(crate) outbox: Rc<Outbox>,
}

pub(crate) fn app() -> AppId {
    AppId::parse("shop").expect("an id")
}

pub(crate) fn channel(name: &str) -> Channel {
    Channel::new(&app(), name)
}

pub(crate) fn connect(node: &Node, number: u64) -> Client {
    try_connect(node, number, false).expect("room for it")
}

pub(crate) fn try_connect(node: &Node, number: u64, counts: bool) -> Result<Client, AppFull> {
    let label = node.chat.metrics().native;
    let outbox = node.shard.outbox_for(label, Transport::WebSocket);
    let greeting = AppGreeting {
        connection: ConnectionId(number),
        app: app(),
        label,
        protocol: 0,
        connections_max: 200,
        counts,
    };
    let connection = node.shard.connect_for(greeting, outbox.clone())?;
    Ok(Client { connection, outbox })
}

pub(crate) fn subscription(name: &str, user: Option<&str>) -> Subscription {
    let member = user.map(|user| ChannelMember { user: user.into(), info: None });
    let kind = if user.is_some() { ChannelKind::Presence } else { ChannelKind::Public };
    Subscription { channel: channel(name), kind, member, keeps: false }
}

pub(crate) fn saying(text: &str) -> Published {
    Published { event: "said".into(), data: Data::Text(text.into()), user: None }
}

impl Client {
    /// Subscribes; how many subscriptions, and which members, it is told.
    pub(crate) async fn subscribe(&self, name: &str, user: Option<&str>) -> (u64, Vec<String>) {
        let subscribed = self.connection.subscribe(&subscription(name, user), MEMBERS_MAX).await;
        let seen = subscribed.expect("may subscribe").seen.clone();
        let mut members: Vec<_> =
            seen.members.iter().map(|member| member.user.to_string()).collect();
        members.sort();
        (seen.subscriptions, members)
    }

    pub(crate) async fn lines(&self) -> Vec<String> {
        lines(&self.outbox).await
    }
}

pub(crate) async fn publish(node: &Node, name: &str, text: &str, except: Option<u64>) {
    publish_with(node, (name, text), except, None).await;
}

pub(crate) async fn publish_kept(node: &Node, name: &str, text: &str) {
    publish_with(node, (name, text), None, Some(Duration::from_secs(60))).await;
}

pub(crate) async fn publish_with(
    node: &Node,
    (name, text): (&str, &str),
    except: Option<u64>,
    kept: Option<Duration>,
) {
    let publication = Publication {
        kind: ChannelKind::Public,
        except: except.map(ConnectionId),
        kept,
        accepted: node.chat.clock().moment().into(),
    };
    node.chat.publish(&channel(name), saying(text), publication).await.expect("published");
}

/// Tells this node of what another one has published or changed.
pub(crate) async fn tell(node: &Node, name: &str, event: ChannelEvent) {
    let kind = match event {
        ChannelEvent::Published(..) | ChannelEvent::Counted(_) => ChannelKind::Public,
        ChannelEvent::MemberAdded(..) | ChannelEvent::MemberRemoved(..) => ChannelKind::Presence,
    };
    let audience = Audience::Channel(channel(name), kind, None);
    let signal = Arc::new(Signal::Tell(audience, Event::Channel(channel(name), event)));
    let accepted = node.chat.clock().moment().into();
    let envelope = Envelope { signal, accepted, remote: true };
    node.chat.shards().deliver(Arc::new(envelope)).await;
}
