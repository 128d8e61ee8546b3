//! Watching an application: what passes is shown to whoever watches, and nobody waits for them.

mod support;

use campanile_core::{
    channel::{AppId, Channel, ChannelKind, ChannelMember, Data, Published},
    chat::{PASSED_MAX, Passing, Publication, TooManyWatch, WATCHING_MAX, Watching},
    connection::{AppConnection, AppGreeting, Subscription},
    labels::Transport,
    limits::Limits,
    port::ConnectionId,
};
use std::time::Duration;
use support::{
    Node, on_a_node, settle,
    two::{Two, on_two_nodes},
};
use tokio::time::timeout;

fn app(id: &str) -> AppId {
    AppId::parse(id).expect("an id")
}

fn connect(node: &Node, number: u64) -> AppConnection {
    let label = node.chat.metrics().native;
    let outbox = node.shard.outbox_for(label, Transport::WebSocket);
    let greeting = AppGreeting {
        connection: ConnectionId(number),
        app: app("shop"),
        label,
        protocol: 0,
        connections_max: 200,
        counts: true,
    };
    node.shard.connect_for(greeting, outbox).expect("room for it")
}

fn channel(app_id: &str, name: &str) -> Channel {
    Channel::new(&app(app_id), name)
}

async fn subscribe(connection: &AppConnection, name: &str, user: Option<&str>, members_max: u64) {
    let member = user.map(|user| ChannelMember { user: user.into(), info: None });
    let kind = if user.is_some() { ChannelKind::Presence } else { ChannelKind::Public };
    let subscription = Subscription { channel: channel("shop", name), kind, member, keeps: false };
    let _answered = connection.subscribe(&subscription, members_max).await;
}

async fn publish(node: &Node, channel: &Channel, text: &str) {
    let published = Published { event: "said".into(), data: Data::Text(text.into()), user: None };
    let publication = Publication {
        kind: ChannelKind::Public,
        except: None,
        kept: None,
        accepted: node.chat.clock().moment().into(),
    };
    node.chat.publish(channel, published, publication).await.expect("published");
}

/// What has passed, in words.
async fn seen(watching: &mut Watching) -> Vec<String> {
    settle().await;
    let mut seen = Vec::new();
    while let Ok(passed) = timeout(Duration::from_millis(1), watching.next()).await {
        let channel = passed.channel.name();
        seen.push(match passed.what {
            Passing::Published(published) => {
                let (Data::Text(data) | Data::Raw(data)) = published.data else { continue };
                format!("{channel} {}: {data}", published.event)
            }
            Passing::MemberAdded(user) => format!("{channel} +{user}"),
            Passing::MemberRemoved(user) => format!("{channel} -{user}"),
            Passing::Subscribed(connection, user) => {
                format!("{channel} in: {} {}", connection.0, user.as_deref().unwrap_or("?"))
            }
            Passing::Unsubscribed(connection) => format!("{channel} out: {}", connection.0),
            Passing::Webhook(event, url) => format!("{channel} {event:?} to {url}"),
        });
    }
    seen
}

#[test]
fn what_passes_in_an_application_is_shown_and_nothing_of_another() {
    on_a_node(Limits::default(), async |node| {
        let mut watching = node.chat.watch(&app("shop")).expect("room");
        let mut other = node.chat.watch(&app("other")).expect("room");
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        subscribe(&ada, "news", None, 9).await;
        subscribe(&bob, "presence-room", Some("bob"), 9).await;
        publish(&node, &channel("shop", "news"), "one").await;
        publish(&node, &channel("other", "news"), "elsewhere").await;
        assert!(ada.unsubscribe(&channel("shop", "news"), ChannelKind::Public).await);
        drop(bob);
        let shown = [
            "news in: 1 ?",
            "presence-room in: 2 bob",
            "presence-room +bob",
            "news said: one",
            "news out: 1",
            "presence-room out: 2",
            "presence-room -bob",
        ];
        assert_eq!(seen(&mut watching).await, shown);
        assert_eq!(seen(&mut other).await, ["news said: elsewhere"]);
        assert_eq!(watching.missed(), 0);
    });
}

#[test]
fn who_is_refused_was_never_there() {
    on_a_node(Limits::default(), async |node| {
        let mut watching = node.chat.watch(&app("shop")).expect("room");
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        subscribe(&ada, "presence-room", Some("ada"), 1).await;
        subscribe(&bob, "presence-room", Some("bob"), 1).await;
        let shown = ["presence-room in: 1 ada", "presence-room +ada"];
        assert_eq!(seen(&mut watching).await, shown);
    });
}

#[test]
fn who_does_not_look_misses_what_there_is_no_room_for_and_is_told_how_much() {
    on_a_node(Limits::default(), async |node| {
        let mut watching = node.chat.watch(&app("shop")).expect("room");
        let news = channel("shop", "news");
        for number in 0..PASSED_MAX + 7 {
            publish(&node, &news, &number.to_string()).await;
        }
        assert_eq!(watching.missed(), 7);
        assert_eq!(watching.missed(), 0, "it is told once");
        let shown = seen(&mut watching).await;
        assert_eq!(shown.len(), PASSED_MAX);
        assert_eq!(shown.last(), Some(&format!("news said: {}", PASSED_MAX - 1)));
        publish(&node, &news, "again").await;
        assert_eq!(seen(&mut watching).await, ["news said: again"]);
    });
}

#[test]
fn so_many_watch_at_once_and_who_goes_makes_room() {
    on_a_node(Limits::default(), async |node| {
        let watch = || node.chat.watch(&app("shop"));
        let mut watching: Vec<Watching> =
            (0..WATCHING_MAX).map(|_| watch().expect("room")).collect();
        assert_eq!(watch().err(), Some(TooManyWatch));
        watching.pop();
        watching.push(watch().expect("somebody has gone"));
        publish(&node, &channel("shop", "news"), "one").await;
        for watching in &mut watching {
            assert_eq!(seen(watching).await, ["news said: one"]);
        }
    });
}

#[test]
fn what_is_published_on_another_node_is_shown() {
    on_two_nodes(async |Two { here, there, .. }| {
        let mut watching = here.chat.watch(&app("shop")).expect("room");
        publish(&there, &channel("shop", "news"), "from afar").await;
        assert_eq!(seen(&mut watching).await, ["news said: from afar"]);
    });
}
