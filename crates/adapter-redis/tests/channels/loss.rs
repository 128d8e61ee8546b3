//! Redis has lost everything, or holds junk.

use crate::{
    scene::{
        PATIENCE, added, app, channel, enters, is_well, look, member, occupied, reconcile, removed,
        subscribe, unsubscribe,
    },
    support::{config, connect, connect_counted, prefix},
};
use campanile_core::{
    channel::Version,
    instrumented::{Backend, Driver},
    port::{ChannelStore, ConnectionId},
};
use campanile_metrics::{Registry, testing::Recording};
use campanile_neighbours as neighbours;
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn an_emptied_server_is_filled_again_and_nobody_has_left() {
    let mut server = neighbours::Redis::start();
    let prefix = prefix();
    let one = connect(config(&server.url(), &prefix, 1)).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let lobby = channel("presence-lobby");
    for number in 0..20 {
        subscribe(&one, &lobby, number, &format!("user-{number:02}")).await;
    }
    subscribe(&other, &lobby, 100, "user-00").await;
    for number in 0..700 {
        let many = channel(&format!("many-{number}"));
        one.channels().subscribe(&many, ConnectionId(1), None).await.unwrap();
        one.channels().subscribe(&many, ConnectionId(2), None).await.unwrap();
    }
    let before = (look(&one, &lobby).await, occupied(&one).await);
    let mut version = before.0.version;
    for restart in [false, true] {
        if restart {
            server.kill();
            let away = one.channels().look(&lobby).await;
            assert!(away.is_err());
            server.start_again();
            is_well(&one).await;
            is_well(&other).await;
        } else {
            server.ask(&["FLUSHALL"]);
        }
        // What is told first is not all that there is to tell.
        let change = unsubscribe(&other, &channel("elsewhere"), 1).await;
        assert_eq!((change.before, change.after), (0, 0));
        let again = member("user-00");
        let change = one.channels().subscribe(&lobby, ConnectionId(0), enters(&again)).await;
        assert_eq!(change.unwrap().before, 20, "as it was for whoever is here");
        let mut told = reconcile(&other).await;
        told.extend(reconcile(&one).await);
        assert_eq!(removed(&told), [""; 0]);
        assert_eq!(added(&told).len(), 20, "whoever looked meanwhile did not see them");
        let after = look(&other, &lobby).await;
        assert_eq!((after.subscriptions, &after.members), (21, &before.0.members));
        assert!(after.version > version, "{:?} {version:?}", after.version);
        version = after.version;
        assert_eq!(occupied(&other).await, before.1);
        assert_eq!(reconcile(&one).await, [], "then all is well");
        assert_eq!(reconcile(&other).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn who_left_while_redis_lost_everything_is_told_of_once() {
    let mut server = neighbours::Redis::start();
    let prefix = prefix();
    let one = connect(config(&server.url(), &prefix, 1)).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let lobby = channel("presence-lobby");
    subscribe(&one, &lobby, 1, "ada").await;
    subscribe(&one, &lobby, 2, "bob").await;
    subscribe(&other, &lobby, 3, "bob").await;
    let version = look(&one, &lobby).await.version;
    server.kill();
    for number in 1..=2 {
        assert!(one.channels().unsubscribe(&lobby, ConnectionId(number)).await.is_err());
    }
    server.start_again();
    is_well(&one).await;
    is_well(&other).await;
    // That bob is another node's too is known only when that one has said so.
    let (back, mut told) = (Instant::now(), reconcile(&one).await);
    assert_eq!(removed(&told), [""; 0]);
    told.extend(reconcile(&other).await);
    while removed(&told).is_empty() {
        assert!(back.elapsed() < PATIENCE, "it is told");
        told.extend(join_all([&one, &other].map(reconcile)).await.into_iter().flatten());
        sleep(Duration::from_millis(200)).await;
    }
    told.extend(join_all([&one, &other].map(reconcile)).await.into_iter().flatten());
    assert_eq!(removed(&told), ["ada"]);
    assert!(told.iter().all(|(_, change)| change.version > version), "{told:?}");
    let seen = look(&one, &lobby).await;
    assert_eq!((seen.subscriptions, seen.members), (1, vec![member("bob")]));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_successor_of_a_master_has_everything_again() {
    let mut set = neighbours::RedisSentinels::start();
    let prefix = prefix();
    let one = connect(config(&set.url(), &prefix, 1)).await;
    let other = connect(config(&set.url(), &prefix, 2)).await;
    let lobby = channel("presence-lobby");
    subscribe(&one, &lobby, 1, "ada").await;
    subscribe(&other, &lobby, 2, "bob").await;
    let version = look(&one, &lobby).await.version;
    set.kill_master();
    let away = one.channels().subscribe(&lobby, ConnectionId(3), enters(&member("cleo"))).await;
    assert!(away.is_err());
    is_well(&one).await;
    is_well(&other).await;
    let mut told = reconcile(&other).await;
    told.extend(reconcile(&one).await);
    assert_eq!(removed(&told), [""; 0]);
    assert!(added(&told).contains(&"cleo".to_owned()));
    let seen = look(&other, &lobby).await;
    assert_eq!((seen.subscriptions, seen.members.len()), (3, 3));
    assert!(seen.version > version);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn junk_is_counted_and_is_not_there() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let registry = Registry::builder().values::<Backend>(["redis"]).values::<Driver>(["redis"]);
    let recording = Recording::with(registry);
    let node = connect_counted(config(&server.url(), &prefix, 1), recording.registry()).await;
    let counted = || {
        let labels = [("backend", "redis"), ("reason", "corrupt")];
        recording.probe().value("chat_storage_errors_total", &labels).unwrap()
    };
    let lobby = channel("presence-lobby");
    subscribe(&node, &lobby, 1, "ada").await;
    let find = |kind: &str| server.ask(&["KEYS", &format!("{prefix}channels:*:{kind}*")]);
    let members = find("of:shop/presence-lobby");
    let part = members.split(":of:").next().unwrap().to_owned();
    for (user, junk) in [("bob", "junk"), ("cleo", ";"), ("dan", "0000000000000002,;\u{1}\u{7}")] {
        server.ask(&["HSET", &members, user, junk]);
    }
    server.ask(&["SET", &format!("{part}:kept:shop/presence-lobby"), "\u{1}junk"]);
    let seen = look(&node, &lobby).await;
    assert_eq!((&*seen.members, seen.kept), (&[member("ada")][..], None));
    assert_eq!(counted(), 4.0);
    assert_eq!(subscribe(&node, &lobby, 2, "bob").await, [member("bob")], "it takes its place");

    server.ask(&["HSET", &find("at:shop/presence-lobby"), "junk", "junk", "version", "junk"]);
    server.ask(&["SET", &format!("{part}:version:last"), "junk"]);
    let seen = look(&node, &lobby).await;
    assert_eq!((seen.subscriptions, seen.version), (2, Version(0)));
    assert_eq!(unsubscribe(&node, &lobby, 1).await.removed, [member("ada")]);
    assert!(look(&node, &lobby).await.version > Version(0), "it goes on by the time");

    server.ask(&["ZADD", &format!("{part}:app:shop"), "0", "elsewhere"]);
    assert_eq!(node.channels().occupied(&app("shop"), "else").await.unwrap(), []);
    let own = find("node:");
    server.ask(&["SADD", &own, "junk", "no/body", "", "\u{7}/x"]);
    reconcile(&node).await;
    let dead = "00000000000000ff";
    server.ask(&["SADD", &format!("{prefix}channels:nodes"), dead, "junk"]);
    server.ask(&["SADD", &format!("{part}:node:{dead}"), "junk", "no/body", "shop/presence-lobby"]);
    let started = Instant::now();
    while !server.ask(&["KEYS", &format!("{part}:node:{dead}")]).is_empty() {
        assert!(started.elapsed() < PATIENCE, "a dead node is forgotten, whatever it said");
        assert_eq!(reconcile(&node).await, []);
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(look(&node, &lobby).await.members, [member("bob")]);
}
