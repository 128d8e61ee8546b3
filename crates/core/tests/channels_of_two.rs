//! Channels of two nodes: one order for all, and members whom the bus has lost are told afterwards.

mod support;

use campanile_core::{channel::ChannelKind, connection::SubscribeToError};
use std::time::Duration;
use support::{
    settle,
    subscriber::{MEMBERS_MAX, channel, connect, publish, saying, subscription},
    two::on_two_nodes,
};

/// After so long who is not noted is gone, and not only lost.
const SURE: Duration = Duration::from_secs(17);

#[test]
fn what_two_nodes_publish_at_once_is_heard_in_one_order() {
    on_two_nodes(async |two| {
        let (ada, bob) = (connect(&two.here, 1), connect(&two.there, 2));
        ada.subscribe("news", None).await;
        bob.subscribe("news", None).await;
        let speaks = async |node, name: &str| {
            for number in 0..50 {
                publish(node, "news", &format!("{name} {number}"), None).await;
            }
        };
        tokio::join!(speaks(&two.here, "here"), speaks(&two.there, "there"));
        let heard = ada.lines().await;
        assert_eq!(bob.lines().await, heard);
        for name in ["here", "there"] {
            let of_one = heard.iter().filter(|line| line.contains(&format!(" {name} ")));
            let wanted = (0..50).map(|number| format!("news said: {name} {number}"));
            assert_eq!(of_one.cloned().collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
        }
    });
}

#[test]
fn what_a_client_says_has_its_place_among_the_rest_and_does_not_come_back_to_it() {
    on_two_nodes(async |two| {
        let (ada, bob) = (connect(&two.here, 1), connect(&two.there, 2));
        ada.subscribe("news", None).await;
        bob.subscribe("news", None).await;
        let at = two.here.chat.clock().moment();
        let place = (&channel("news"), ChannelKind::Public);
        ada.connection.say(place, saying("first"), at.into()).await.expect("said");
        publish(&two.there, "news", "second", None).await;
        assert_eq!(ada.lines().await, ["news said: second"]);
        assert_eq!(bob.lines().await, ["news said: first", "news said: second"]);
    });
}

#[test]
fn what_another_node_published_before_a_subscription_is_not_heard_after_it() {
    on_two_nodes(async |two| {
        let (ada, bob) = (connect(&two.here, 1), connect(&two.here, 2));
        bob.subscribe("news", None).await;
        two.wire.hold_up(true);
        publish(&two.there, "news", "before", None).await;
        let arrives = async {
            settle().await;
            publish(&two.here, "news", "meanwhile", None).await;
        };
        let comes = async {
            settle().await;
            assert_eq!(ada.lines().await, [""; 0]);
            two.wire.hold_up(false);
        };
        tokio::join!(ada.subscribe("news", None), arrives, comes);
        publish(&two.there, "news", "after", None).await;
        let all = ["news said: before", "news said: meanwhile", "news said: after"];
        assert_eq!(bob.lines().await, all, "who was there hears all of it");
        assert_eq!(ada.lines().await, all[1..]);
    });
}

#[test]
fn who_subscribes_while_the_bus_does_not_bring_anything_waits_for_a_moment_only() {
    on_two_nodes(async |two| {
        let ada = connect(&two.here, 1);
        two.wire.hold_up(true);
        ada.subscribe("news", None).await;
        two.wire.hold_up(false);
        publish(&two.there, "news", "after", None).await;
        assert_eq!(ada.lines().await, ["news said: after"]);
    });
}

#[test]
fn who_came_and_went_while_signals_were_lost_is_told_afterwards() {
    on_two_nodes(async |two| {
        let ada = connect(&two.here, 1);
        let eve = connect(&two.there, 2);
        ada.subscribe("presence-a", Some("ada")).await;
        eve.subscribe("presence-a", Some("eve")).await;
        assert_eq!(ada.lines().await, ["presence-a added eve"]);
        two.wire.cut();
        let bob = connect(&two.there, 3);
        bob.subscribe("presence-a", Some("bob")).await;
        drop(eve);
        settle().await;
        assert_eq!(ada.lines().await, [""; 0]);
        two.wire.mend().await;
        assert_eq!(ada.lines().await, ["presence-a added bob"]);
        assert_eq!(bob.lines().await, ["presence-a removed eve"]);
        two.here.pass(SURE).await;
        assert_eq!(ada.lines().await, ["presence-a removed eve"]);
        assert_eq!(bob.lines().await, [""; 0], "it has heard of all there was");
        two.wire.mend().await;
        two.here.pass(SURE).await;
        assert_eq!(ada.lines().await, [""; 0], "each once");
    });
}

#[test]
fn who_was_gone_for_a_moment_only_has_not_left() {
    on_two_nodes(async |two| {
        let ada = connect(&two.here, 1);
        let eve = connect(&two.there, 2);
        ada.subscribe("presence-a", Some("ada")).await;
        eve.subscribe("presence-a", Some("eve")).await;
        ada.lines().await;
        two.wire.cut();
        let place = channel("presence-a");
        eve.connection.unsubscribe(&place, ChannelKind::Presence).await;
        two.wire.mend().await;
        two.wire.cut();
        eve.subscribe("presence-a", Some("eve")).await;
        two.here.pass(SURE).await;
        assert_eq!(ada.lines().await, [""; 0]);
    });
}

#[test]
fn two_who_come_at_once_over_two_nodes_are_not_more_than_there_may_be() {
    on_two_nodes(async |two| {
        let (ada, bob) = (connect(&two.here, 1), connect(&two.there, 2));
        for (client, user) in [(&ada, "ada"), (&bob, "bob")] {
            client.subscribe("presence-a", Some(user)).await;
        }
        ada.lines().await;
        let (cleo, dan) = (connect(&two.here, 3), connect(&two.there, 4));
        let wanted = ["cleo", "dan"].map(|user| subscription("presence-a", Some(user)));
        let (one, other) = tokio::join!(
            cleo.connection.subscribe(&wanted[0], MEMBERS_MAX),
            dan.connection.subscribe(&wanted[1], MEMBERS_MAX),
        );
        let refused = [one.err(), other.err()];
        let full = |error: &Option<_>| matches!(error, Some(SubscribeToError::Full));
        assert_eq!(refused.iter().filter(|error| full(error)).count(), 1);
        assert_eq!(ada.lines().await.len(), 1, "one has come");
    });
}
