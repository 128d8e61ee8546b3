//! Redis is away, and is told afterwards what it missed.

use crate::{
    scene::{
        PATIENCE, added, app, channel, enters, is_well, look, member, occupied, reconcile, removed,
        subscribe, unsubscribe,
    },
    support::{config, connect, prefix},
};
use campanile_adapter_redis::Redis;
use campanile_core::port::{ChannelStore, ConnectionId, Fault, FaultKind};
use campanile_neighbours as neighbours;
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Subscriptions that come and go while Redis is away, which is put right when it is back.
async fn prove_absence(
    (node, other): (&Redis, &Redis),
    first: FaultKind,
    away: impl FnOnce(),
    back: impl FnOnce(),
) {
    let (lobby, news) = (channel("presence-lobby"), channel("news"));
    let channels = node.channels();
    subscribe(node, &lobby, 1, "ada").await;
    subscribe(node, &lobby, 2, "bob").await;
    subscribe(other, &lobby, 3, "cleo").await;
    channels.subscribe(&news, ConnectionId(1), None).await.unwrap();
    away();
    let started = Instant::now();
    let fault = channels.subscribe(&lobby, ConnectionId(4), enters(&member("dan"))).await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.kind, first, "{fault}");
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    let is_away = |fault: Fault| assert_eq!(fault.kind, FaultKind::Connection, "{fault}");
    let started = Instant::now();
    is_away(channels.unsubscribe(&lobby, ConnectionId(1)).await.unwrap_err());
    is_away(channels.subscribe(&news, ConnectionId(2), None).await.unwrap_err());
    is_away(channels.subscribe(&channel("late"), ConnectionId(2), None).await.unwrap_err());
    is_away(channels.look(&lobby).await.unwrap_err());
    is_away(channels.occupied(&app("shop"), "").await.unwrap_err());
    is_away(channels.reconcile().await.unwrap_err());
    assert!(started.elapsed() < Duration::from_millis(200), "nobody waits for it");
    back();
    is_well(node).await;
    is_well(other).await;
    let (started, mut told) = (Instant::now(), Vec::new());
    while removed(&told).is_empty() {
        assert!(started.elapsed() < PATIENCE, "it is told");
        told.extend(join_all([node, other].map(reconcile)).await.into_iter().flatten());
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(removed(&told), ["ada"]);
    assert!(added(&told).contains(&"dan".to_owned()), "nobody was told of it");
    let seen = look(other, &lobby).await;
    let members = ["bob", "cleo", "dan"].map(member);
    assert_eq!((seen.subscriptions, &*seen.members), (3, &members[..]));
    let counts = [("late", 1, 0), ("news", 2, 0), ("presence-lobby", 3, 3)];
    assert_eq!(occupied(other).await, counts.map(|(name, of, all)| (name.to_owned(), of, all)));
    assert_eq!(reconcile(node).await, []);
    let change = unsubscribe(node, &news, 1).await;
    assert_eq!((change.before, change.after), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_that_was_held_up_is_told_what_it_missed() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let one = connect(config(&server.url(), &prefix, 1)).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let (away, back) = (|| server.pause(), || server.resume());
    prove_absence((&one, &other), FaultKind::Timeout, away, back).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_that_was_killed_is_told_what_it_missed() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let one = connect(config(&server.url(), &prefix, 1)).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let server = std::cell::RefCell::new(server);
    let away = || server.borrow_mut().kill();
    let back = || server.borrow_mut().start_again();
    prove_absence((&one, &other), FaultKind::Connection, away, back).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_change_whose_answer_was_lost_is_told() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let one = connect(config(&server.url(), &prefix, 1)).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let (lobby, hall) = (channel("presence-lobby"), channel("presence-hall"));
    subscribe(&one, &lobby, 1, "ada").await;
    let version = look(&one, &lobby).await.version;
    // Redis does what it is asked as soon as it can, and nobody is there any more to hear of it.
    server.pause();
    let (leaves, comes) = (one.channels(), one.channels());
    let bob = member("bob");
    let lost = tokio::join!(
        leaves.unsubscribe(&lobby, ConnectionId(1)),
        comes.subscribe(&hall, ConnectionId(2), enters(&bob)),
    );
    assert!(lost.0.is_err() && lost.1.is_err(), "{lost:?}");
    server.resume();
    is_well(&one).await;
    let (back, mut told) = (Instant::now(), Vec::new());
    while removed(&told).is_empty() {
        assert!(back.elapsed() < PATIENCE, "it is told");
        told.extend(join_all([&one, &other].map(reconcile)).await.into_iter().flatten());
        sleep(Duration::from_millis(100)).await;
    }
    told.extend(reconcile(&one).await);
    assert_eq!((removed(&told), added(&told)), (vec!["ada".into()], vec!["bob".into()]));
    let left = told.iter().find(|(channel, _)| *channel == lobby).unwrap();
    assert!(left.1.version > version);
    assert_eq!(look(&other, &hall).await.members, [bob]);
    assert_eq!(occupied(&other).await, [("presence-hall".to_owned(), 1, 1)]);
}
