//! Nodes that die, or are taken for dead.

use crate::{
    scene::{added, channel, look, member, occupied, reconcile, removed, subscribe},
    support::{Place, prefix},
};
use campanile_core::{
    channel::Channel,
    port::{ChannelStore, ConnectionId},
};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Some channels, one of them with members, on a node that dies; others are subscribed to one.
async fn prove_death(place: Place) {
    let prefix = prefix();
    let (one, other) = (place.node(&prefix, 1).await, place.node(&prefix, 2).await);
    let dies = place.node(&prefix, 3).await;
    let (lobby, news) = (channel("presence-lobby"), channel("news"));
    subscribe(&dies, &lobby, 1, "ada").await;
    subscribe(&dies, &lobby, 2, "bob").await;
    subscribe(&dies, &lobby, 3, "cleo").await;
    subscribe(&one, &lobby, 4, "bob").await;
    for number in 0..300 {
        let many = channel(&format!("many-{number}"));
        dies.channels().subscribe(&many, ConnectionId(1), None).await.unwrap();
    }
    for number in 0..3 {
        dies.channels().subscribe(&news, ConnectionId(number), None).await.unwrap();
    }
    other.channels().subscribe(&news, ConnectionId(9), None).await.unwrap();
    let before = look(&one, &lobby).await;
    assert_eq!((before.subscriptions, before.members.len()), (4, 3));
    assert_eq!(occupied(&other).await.len(), 302);
    drop(dies);
    let died = Instant::now();
    let mut told = Vec::new();
    while died.elapsed() < Duration::from_secs(25) && occupied(&one).await.len() > 2 {
        let changes = join_all([&one, &other].map(reconcile)).await;
        told.extend(changes.into_iter().flatten());
        sleep(Duration::from_millis(200)).await;
    }
    assert!(died.elapsed() < Duration::from_secs(25), "they are there after {:?}", died.elapsed());
    told.extend(reconcile(&one).await);
    told.extend(reconcile(&other).await);
    assert_eq!(removed(&told), ["ada", "cleo"], "each once");
    assert_eq!(told.len(), 302, "each channel once");
    let of = |wanted: &Channel| {
        let (_, change) = told.iter().find(|(channel, _)| channel == wanted).unwrap();
        (change.before, change.after)
    };
    assert_eq!((of(&lobby), of(&news)), ((4, 1), (4, 1)));
    let left = told.iter().find(|(channel, _)| *channel == lobby).unwrap();
    let infos: Vec<_> = left.1.removed.iter().map(|member| member.info.clone()).collect();
    assert!(infos.iter().all(Option::is_some), "what was known of them: {infos:?}");
    assert!(left.1.version > before.version);
    let seen = look(&other, &lobby).await;
    assert_eq!((seen.subscriptions, seen.members), (1, vec![member("bob")]));
    assert_eq!(seen.version, left.1.version);
    let left = [("news".to_owned(), 1, 0), ("presence-lobby".to_owned(), 1, 1)];
    assert_eq!(occupied(&one).await, left);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_subscriptions_of_a_dead_node_are_gone_within_half_a_minute_and_one_tells() {
    prove_death(Place::standalone()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn on_a_cluster_they_are_gone_as_well() {
    prove_death(Place::cluster()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn who_was_taken_for_dead_comes_back() {
    let place = Place::standalone();
    let prefix = prefix();
    let (one, cut_off) = (place.node(&prefix, 1).await, place.node(&prefix, 2).await);
    let (lobby, news) = (channel("presence-lobby"), channel("news"));
    subscribe(&cut_off, &lobby, 1, "ada").await;
    subscribe(&cut_off, &lobby, 2, "bob").await;
    cut_off.channels().subscribe(&news, ConnectionId(1), None).await.unwrap();
    // It goes on without saying that it is there.
    cut_off.close().await;
    let (died, mut told) = (Instant::now(), Vec::new());
    while died.elapsed() < Duration::from_secs(25) && told.len() < 2 {
        told.extend(reconcile(&one).await);
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(removed(&told), ["ada", "bob"]);
    let gone = told.iter().find(|(channel, _)| *channel == lobby).unwrap().1.version;
    // What it says next is not all that it has to say.
    assert_eq!(subscribe(&cut_off, &lobby, 3, "cleo").await, [member("cleo")]);
    assert_eq!(added(&reconcile(&cut_off).await), ["ada", "bob"]);
    let seen = look(&one, &lobby).await;
    assert_eq!((seen.subscriptions, seen.members.len()), (3, 3));
    assert!(seen.version > gone);
    assert_eq!(look(&one, &news).await.subscriptions, 1);
    assert_eq!(reconcile(&cut_off).await, [], "then all is well");
}
