//! Many that come and go at once, over one node and several.

use crate::{
    scene::{channel, look, member, occupied, reconcile, subscribe, unsubscribe},
    support::{Place, config, connect_counted, prefix},
};
use campanile_adapter_redis::Redis;
use campanile_core::{
    channel::Version,
    port::{ChannelStore, ConnectionId, Entrant},
};
use campanile_metrics::testing::Recording;
use campanile_neighbours as neighbours;
use futures_util::future::join_all;
use std::convert::Infallible;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn two_nodes_that_see_the_last_one_leave_tell_once() {
    let place = Place::standalone();
    let prefix = prefix();
    let (one, other) = (place.node(&prefix, 1).await, place.node(&prefix, 2).await);
    let lobby = channel("presence-lobby");
    let mut version = Version::default();
    for round in 0..100 {
        let came =
            tokio::join!(subscribe(&one, &lobby, 1, "ada"), subscribe(&other, &lobby, 2, "ada"),);
        assert_eq!(came.0.len() + came.1.len(), 1, "round {round}");
        let left = tokio::join!(unsubscribe(&one, &lobby, 1), unsubscribe(&other, &lobby, 2));
        let left = [left.0, left.1];
        let told: Vec<_> = left.iter().filter(|change| !change.removed.is_empty()).collect();
        assert_eq!(told.len(), 1, "round {round}: {left:?}");
        assert_eq!((told[0].before, told[0].after), (1, 0));
        assert!(told[0].version > version);
        version = told[0].version;
    }
    assert_eq!(occupied(&one).await, []);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn no_more_become_members_over_all_nodes_than_there_is_room_for() {
    let place = Place::standalone();
    let prefix = prefix();
    let nodes = [place.node(&prefix, 1).await, place.node(&prefix, 2).await];
    let lobby = channel("presence-lobby");
    for round in 0..50 {
        let enter = async |node: &Redis, number: u64, user: u64| {
            let member = member(&format!("user-{user}"));
            let entrant = Entrant { member: &member, members_max: 3 };
            let channels = node.channels();
            let change = channels.subscribe(&lobby, ConnectionId(number), Some(entrant)).await;
            (number, change.unwrap())
        };
        // Each of five users comes over three connections and both nodes.
        let comes = (0..15).map(|number| enter(&nodes[number as usize % 2], number, number % 5));
        let changes = join_all(comes).await;
        let added: Vec<_> = changes.iter().flat_map(|(_, change)| &change.added).collect();
        assert_eq!(added.len(), 3, "round {round}: {changes:?}");
        for (number, change) in &changes {
            let user = format!("user-{}", number % 5);
            let is_member = added.iter().any(|member| *member.user == *user);
            assert_eq!(change.is_full, !is_member, "round {round}: {number}, {changes:?}");
        }
        let seen = look(&nodes[0], &lobby).await;
        let let_in = changes.iter().filter(|(_, change)| !change.is_full).count();
        assert_eq!((seen.members.len(), seen.subscriptions), (3, let_in as u64), "round {round}");
        for node in &nodes {
            assert_eq!(reconcile(node).await, [], "round {round}");
        }
        for (number, _) in changes.iter().filter(|(_, change)| !change.is_full) {
            unsubscribe(&nodes[*number as usize % 2], &lobby, *number).await;
        }
        assert_eq!(occupied(&nodes[1]).await, [], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_node_that_puts_the_store_right_lets_nobody_in_past_the_limit() {
    let place = Place::standalone();
    let prefix = prefix();
    let nodes = [place.node(&prefix, 1).await, place.node(&prefix, 2).await];
    let lobby = channel("presence-lobby");
    for round in 0..30 {
        let comes = async |number: u64| {
            let member = member(&format!("user-{number}"));
            let entrant = Entrant { member: &member, members_max: 2 };
            // Some come while a node looks, and before it tells what it has found.
            for _ in 0..number {
                tokio::task::yield_now().await;
            }
            let channels = nodes[number as usize % 2].channels();
            let change = channels.subscribe(&lobby, ConnectionId(number), Some(entrant)).await;
            (number, change.unwrap())
        };
        let everybody = join_all((0..40).map(comes));
        let puts_right = async |node| -> Infallible {
            loop {
                reconcile(node).await;
            }
        };
        let changes = tokio::select! {
            changes = everybody => changes,
            never = puts_right(&nodes[0]) => match never {},
            never = puts_right(&nodes[1]) => match never {},
        };
        let let_in: Vec<_> = changes.iter().filter(|(_, change)| !change.is_full).collect();
        let members = look(&nodes[0], &lobby).await.members;
        assert_eq!((let_in.len(), members.len()), (2, 2), "round {round}: {members:?}");
        for (number, _) in let_in {
            unsubscribe(&nodes[*number as usize % 2], &lobby, *number).await;
        }
        for node in &nodes {
            reconcile(node).await;
        }
        assert_eq!(occupied(&nodes[1]).await, [], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn many_who_subscribe_at_once_are_told_of_in_few_calls() {
    let server = neighbours::Redis::start();
    let recording = Recording::new();
    let config = config(&server.url(), &prefix(), 1);
    let node = connect_counted(config, recording.registry()).await;
    let (news, channels) = (channel("news"), node.channels());
    let subscribe = |number| channels.subscribe(&news, ConnectionId(number), None);
    let changes = join_all((0..1_000).map(subscribe)).await;
    let mut counts: Vec<_> = changes.into_iter().map(|change| change.unwrap().after).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=1_000).collect::<Vec<_>>(), "each is counted");
    assert_eq!(look(&node, &news).await.subscriptions, 1_000);
    let asked = [("command", "channels_put"), ("result", "ok")];
    let calls = recording.probe().value("chat_redis_commands_total", &asked).unwrap();
    assert!(calls < 50.0, "{calls}");
}
