//! Channels: who subscribes hears what is published, in order, and who else is there.

mod support;

use campanile_core::{
    channel::{ChannelEvent, ChannelKind, ChannelMember, Version},
    connection::{AppFull, SayError, SubscribeToError, Subscription},
    labels::CloseReason,
    limits::Limits,
};
use std::time::Duration;
use support::{
    on_a_node,
    subscriber::{
        MEMBERS_MAX, app, channel, connect, publish, publish_kept, saying, subscription, tell,
        try_connect,
    },
};

#[test]
fn subscribers_hear_what_is_published_in_order_and_nobody_else_does() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob, eve) = (connect(&node, 1), connect(&node, 2), connect(&node, 3));
        assert_eq!(ada.subscribe("news", None).await, (1, vec![]));
        assert_eq!(bob.subscribe("news", None).await, (2, vec![]));
        eve.subscribe("other", None).await;
        for text in ["one", "two", "three"] {
            publish(&node, "news", text, None).await;
        }
        let heard = ["news said: one", "news said: two", "news said: three"];
        assert_eq!(ada.lines().await, heard);
        assert_eq!(bob.lines().await, heard);
        assert_eq!(eve.lines().await, [""; 0]);
        node.pass(Duration::from_millis(200)).await;
        let sent = [("app", "native"), ("transport", "websocket"), ("channel_type", "public")];
        assert_eq!(node.probe().value("chat_messages_sent_total", &sent), Some(6.0));
    });
}

#[test]
fn one_connection_may_be_left_out() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        ada.subscribe("news", None).await;
        bob.subscribe("news", None).await;
        publish(&node, "news", "not for ada", Some(1)).await;
        publish(&node, "news", "for all", Some(77)).await;
        assert_eq!(ada.lines().await, ["news said: for all"]);
        assert_eq!(bob.lines().await, ["news said: not for ada", "news said: for all"]);
    });
}

#[test]
fn a_subscriber_speaks_to_all_others() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        let at = node.chat.clock().moment();
        let place = (&channel("room"), ChannelKind::Private);
        let refused = ada.connection.say(place, saying("hello?"), at.into()).await;
        assert!(matches!(refused, Err(SayError::NotSubscribed)));
        ada.subscribe("room", None).await;
        bob.subscribe("room", None).await;
        ada.connection.say(place, saying("hello"), at.into()).await.expect("said");
        assert_eq!(ada.lines().await, [""; 0]);
        assert_eq!(bob.lines().await, ["room said: hello"]);
    });
}

#[test]
fn what_happens_before_the_answer_follows_it() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        let subscription = subscription("news", None);
        let subscribing = ada.connection.subscribe(&subscription, MEMBERS_MAX).await;
        let subscribing = subscribing.unwrap_or_else(|error| panic!("{error}"));
        publish(&node, "news", "early", None).await;
        assert_eq!(ada.lines().await, [""; 0], "its answer was not given yet");
        drop(subscribing);
        publish(&node, "news", "late", None).await;
        assert_eq!(ada.lines().await, ["news said: early", "news said: late"]);
    });
}

#[test]
fn what_was_published_before_a_subscription_is_not_heard() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        ada.subscribe("news", None).await;
        // The worker has not looked at it yet.
        publish(&node, "news", "old", None).await;
        bob.subscribe("news", None).await;
        publish(&node, "news", "new", None).await;
        assert_eq!(bob.lines().await, ["news said: new"]);
        assert_eq!(ada.lines().await, ["news said: old", "news said: new"]);
    });
}

#[test]
fn what_a_channel_keeps_comes_with_the_answer_and_what_follows_is_heard_once() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        let keeping = Subscription { keeps: true, ..subscription("cache-price", None) };
        ada.subscribe("cache-price", None).await;
        publish_kept(&node, "cache-price", "one").await;
        let subscribing = bob.connection.subscribe(&keeping, MEMBERS_MAX).await;
        let subscribing = subscribing.unwrap_or_else(|error| panic!("{error}"));
        let given = subscribing.seen.kept.clone().expect("it is kept");
        assert_eq!(given.published, saying("one"));
        assert_eq!(ada.lines().await, ["cache-price said: one"]);
        publish_kept(&node, "cache-price", "two").await;
        drop(subscribing);
        publish_kept(&node, "cache-price", "three").await;
        publish(&node, "cache-price", "not kept", None).await;
        let heard = ["two", "three", "not kept"].map(|text| format!("cache-price said: {text}"));
        assert_eq!(bob.lines().await, heard);
        assert_eq!(ada.lines().await, heard);
    });
}

#[test]
fn what_was_given_with_the_answer_is_not_heard_when_it_comes_later() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        let price = channel("cache-price");
        let until = node.chat.clock().now().plus(Duration::from_secs(60));
        let keep = async |text| {
            node.chat.ports().channels.keep(&price, &saying(text), until).await.expect("kept")
        };
        let editions = [keep("one").await, keep("two").await, keep("three").await];
        let keeping = Subscription { keeps: true, ..subscription("cache-price", None) };
        drop(ada.connection.subscribe(&keeping, MEMBERS_MAX).await);
        let later = keep("four").await;
        // As another node's publications come, after they are kept.
        let texts = ["one", "two", "three", "four"];
        for (edition, text) in editions.into_iter().chain([later]).zip(texts) {
            tell(&node, "cache-price", ChannelEvent::Published(saying(text), edition)).await;
        }
        assert_eq!(ada.lines().await, ["cache-price said: four"]);
    });
}

#[test]
fn a_connection_subscribes_once() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        ada.subscribe("news", None).await;
        let again = ada.connection.subscribe(&subscription("news", None), MEMBERS_MAX).await;
        assert!(matches!(again, Err(SubscribeToError::Already)));
        publish(&node, "news", "once", None).await;
        assert_eq!(ada.lines().await, ["news said: once"]);
        assert!(ada.connection.unsubscribe(&channel("news"), ChannelKind::Public).await);
        assert!(!ada.connection.unsubscribe(&channel("news"), ChannelKind::Public).await);
        publish(&node, "news", "nobody hears", None).await;
        assert_eq!(ada.lines().await, [""; 0]);
        assert_eq!(node.chat.occupied_channels(&app(), "").await.expect("asked"), []);
    });
}

#[test]
fn members_hear_who_comes_first_and_goes_last() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        assert_eq!(ada.subscribe("presence-a", Some("ada")).await, (1, vec!["ada".into()]));
        let bobs = [connect(&node, 2), connect(&node, 3)];
        for bob in &bobs {
            let (_, members) = bob.subscribe("presence-a", Some("bob")).await;
            assert_eq!(members, ["ada", "bob"]);
        }
        assert_eq!(ada.lines().await, ["presence-a added bob"]);
        let [first, second] = bobs;
        assert_eq!(first.lines().await, [""; 0], "nobody hears of itself");
        drop(first);
        assert_eq!(ada.lines().await, [""; 0], "another connection is left");
        drop(second);
        assert_eq!(ada.lines().await, ["presence-a removed bob"]);
        let seen = node.chat.channel(&channel("presence-a")).await.expect("asked");
        assert_eq!((seen.subscriptions, seen.members.len()), (1, 1));
    });
}

#[test]
fn a_channel_has_so_many_members_and_no_more() {
    on_a_node(Limits::default(), async |node| {
        let clients: Vec<_> = (1..=MEMBERS_MAX).map(|number| connect(&node, number)).collect();
        for (client, user) in clients.iter().zip(["a", "b", "c"]) {
            client.subscribe("presence-a", Some(user)).await;
        }
        clients[0].lines().await;
        let late = connect(&node, 10);
        let subscription = subscription("presence-a", Some("d"));
        let refused = late.connection.subscribe(&subscription, MEMBERS_MAX).await;
        assert!(matches!(refused, Err(SubscribeToError::Full)));
        assert!(!late.connection.is_subscribed(&channel("presence-a")));
        let refused = late.connection.subscribe(&subscription, MEMBERS_MAX).await;
        assert!(matches!(refused, Err(SubscribeToError::Full)), "nothing was left of the first");
        let seen = node.chat.channel(&channel("presence-a")).await.expect("asked");
        assert_eq!((seen.subscriptions, seen.members.len()), (3, 3));
        let again = connect(&node, 11);
        let (subscriptions, members) = again.subscribe("presence-a", Some("c")).await;
        assert_eq!((subscriptions, members.len()), (4, 3), "a member may come once more");
        assert_eq!(clients[0].lines().await, [""; 0], "nobody has come");
        let refusals = [("channel_type", "presence"), ("reason", "full")];
        let counted = node.probe().value("chat_room_join_failures_total", &refusals);
        assert_eq!(counted, Some(2.0));
    });
}

#[test]
fn a_change_that_comes_after_a_later_one_of_the_same_member_is_not_told() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        ada.subscribe("presence-a", Some("ada")).await;
        let member = |user: &str| ChannelMember { user: user.into(), info: None };
        let changes = [
            ChannelEvent::MemberAdded(member("bob"), Version(106)),
            ChannelEvent::MemberRemoved("bob".into(), Version(105)),
            ChannelEvent::MemberAdded(member("eve"), Version(104)),
        ];
        for event in changes {
            tell(&node, "presence-a", event).await;
        }
        assert_eq!(ada.lines().await, ["presence-a added bob", "presence-a added eve"]);
    });
}

#[test]
fn who_is_noted_again_is_not_told_again() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        ada.subscribe("presence-a", Some("ada")).await;
        let member = |user: &str| ChannelMember { user: user.into(), info: None };
        let changes = [
            ChannelEvent::MemberAdded(member("bob"), Version(104)),
            // As a node tells whose members the store had lost.
            ChannelEvent::MemberAdded(member("ada"), Version(105)),
            ChannelEvent::MemberAdded(member("bob"), Version(106)),
            ChannelEvent::MemberRemoved("bob".into(), Version(107)),
        ];
        for event in changes {
            tell(&node, "presence-a", event).await;
        }
        assert_eq!(ada.lines().await, ["presence-a added bob", "presence-a removed bob"]);
    });
}

#[test]
fn who_goes_as_the_node_stops_is_seen_off() {
    on_a_node(Limits::default(), async |node| {
        let clients: Vec<_> = (1..=300).map(|number| try_connect(&node, number, false)).collect();
        for client in clients.iter().flatten() {
            client.subscribe("news", None).await;
        }
        let shards = node.chat.shards().clone();
        drop(clients);
        shards.stop().await;
        support::settle().await;
        assert_eq!(node.chat.occupied_channels(&app(), "").await.expect("asked"), []);
    });
}

#[test]
fn an_application_has_so_many_connections() {
    on_a_node(Limits::default(), async |node| {
        let mut clients: Vec<_> =
            (0..200).map(|number| try_connect(&node, number, false)).collect();
        assert!(clients.iter().all(Result::is_ok));
        assert_eq!(try_connect(&node, 200, false).err(), Some(AppFull));
        clients.pop();
        assert!(try_connect(&node, 201, false).is_ok());
    });
}

#[test]
fn a_user_that_is_to_go_is_closed_on_all_connections() {
    on_a_node(Limits::default(), async |node| {
        let clients = [connect(&node, 1), connect(&node, 2), connect(&node, 3)];
        for (client, user) in clients.iter().zip(["7", "7", "8"]) {
            client.connection.sign_in(&user.into()).await;
        }
        node.chat.end_user(&app(), "7".into()).await.expect("the others are told");
        support::settle().await;
        let ended = clients.each_ref().map(|client| client.outbox.end_reason());
        assert_eq!(ended, [Some(CloseReason::Policy), Some(CloseReason::Policy), None]);
    });
}

#[test]
fn nobody_is_told_how_many_connections_a_user_has() {
    on_a_node(Limits::default(), async |node| {
        let ada = try_connect(&node, 1, true).expect("room for it");
        let (kind, member) = (ChannelKind::Own, None);
        let own = Subscription { channel: channel("#own"), kind, member, keeps: false };
        drop(ada.connection.subscribe(&own, MEMBERS_MAX).await);
        assert!(ada.connection.is_subscribed(&channel("#own")));
        assert_eq!(ada.lines().await, [""; 0]);
    });
}

#[test]
fn few_subscriptions_are_counted_at_once_and_many_once_in_a_while() {
    on_a_node(Limits::default(), async |node| {
        let ada = try_connect(&node, 1_000, true).expect("room for it");
        ada.subscribe("news", None).await;
        let telling = node.chat.clone();
        let telling = tokio::task::spawn_local(async move { telling.tell_counts().await });
        let mut clients = Vec::new();
        for number in 2..=100 {
            let client = try_connect(&node, number, true).expect("room for it");
            client.subscribe("news", None).await;
            clients.push(client);
        }
        let lines = ada.lines().await;
        assert_eq!(lines.len(), 100, "each count, its own among them");
        assert_eq!(lines.last().map(String::as_str), Some("news counts 100"));
        for number in 101..=110 {
            let client = try_connect(&node, number, true).expect("room for it");
            client.subscribe("news", None).await;
            clients.push(client);
        }
        assert_eq!(ada.lines().await, [""; 0]);
        node.pass(Duration::from_secs(5)).await;
        assert_eq!(ada.lines().await, ["news counts 110"]);
        telling.abort();
    });
}
