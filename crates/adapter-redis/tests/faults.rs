//! Redis is killed, held up, emptied and filled: what was missed is told and put right.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_redis::Redis;
use campanile_conformance::{room, user};
use campanile_core::{
    event::{Audience, Event, Signal},
    limits::Rate,
    port::{
        Bus, BusError, BusReceiver, Cache, CacheKey, Cached, ConnectionId, Heard, Limiter,
        LimiterContext, PresenceStore, RateLimiter,
    },
    room::RoomKind,
    user::Status,
};
use campanile_metrics::testing::Recording;
use campanile_neighbours as neighbours;
use std::{sync::Arc, time::Duration};
use support::{config, connect, connect_counted, prefix};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

fn numbered(number: u64) -> Arc<Signal> {
    Arc::new(Signal::Tell(Audience::Everyone, Event::Draining { after_ms: number }))
}

/// In rooms of many channels.
fn spread(number: u64) -> Arc<Signal> {
    let room = room(&format!("room-{}", number % 64));
    let event = Event::Typing { room: room.clone(), user: user("ada"), on: true };
    Arc::new(Signal::Tell(Audience::Room(room, RoomKind::Public), event))
}

/// Two nodes, and what the second hears.
struct Pair {
    one: Redis,
    other: Redis,
    heard: Box<dyn BusReceiver>,
}

impl Pair {
    async fn at(url: &str) -> Self {
        let prefix = prefix();
        let one = connect(config(url, &prefix, 1)).await;
        let other = connect(config(url, &prefix, 2)).await;
        let heard = other.bus().subscribe().await.unwrap();
        Self { one, other, heard }
    }

    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError> {
        self.one.bus().publish(signal).await
    }

    /// Waits for the news that something was missed; for how long.
    async fn missed(&mut self) -> Duration {
        let started = Instant::now();
        loop {
            match timeout(PATIENCE, self.heard.receive()).await.expect("it is told in time") {
                Some(Heard::Missed) => return started.elapsed(),
                Some(Heard::Signal(..) | Heard::Own(_) | Heard::Mark(_)) => {}
                None => panic!("the bus has ended"),
            }
        }
    }

    /// Waits until a new signal comes through; for how long.
    async fn comes_through(&mut self) -> Duration {
        let started = Instant::now();
        for number in 1_000_000.. {
            assert!(started.elapsed() < PATIENCE, "nothing comes through");
            let _ = self.publish(numbered(number)).await;
            let until = Instant::now() + Duration::from_millis(100);
            while let Ok(Some(heard)) = tokio::time::timeout_at(until, self.heard.receive()).await {
                if matches!(&heard, Heard::Signal(signal, _) if **signal == *numbered(number)) {
                    return started.elapsed();
                }
            }
        }
        unreachable!("numbers do not end")
    }

    /// Waits until both nodes have both their connections.
    async fn is_well(&self) {
        let started = Instant::now();
        while self.one.probe().await.is_err() || self.other.probe().await.is_err() {
            assert!(started.elapsed() < PATIENCE, "a node does not find back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Nothing more is said to be missed.
    async fn is_quiet(&mut self) {
        let settled = Instant::now() + Duration::from_secs(3);
        while tokio::time::timeout_at(settled, self.heard.receive()).await.is_ok() {}
        let quiet = timeout(Duration::from_secs(3), self.heard.receive()).await;
        assert!(quiet.is_err(), "on a healthy bus nothing is said: {quiet:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_that_was_killed_comes_back_and_it_is_told() {
    let mut server = neighbours::Redis::start();
    let mut pair = Pair::at(&server.url()).await;
    pair.comes_through().await;
    pair.is_quiet().await;
    server.kill();
    let noticed = pair.missed().await;
    assert!(noticed < Duration::from_secs(1), "{noticed:?}");
    for _ in 0..3 {
        let again = pair.missed().await;
        assert!(again < Duration::from_millis(1_300), "each second: {again:?}");
    }
    assert!(pair.other.probe().await.is_err());
    server.start_again();
    let back = pair.comes_through().await;
    println!("killed: noticed in {noticed:?}, back in {back:?}");
    assert!(back < Duration::from_secs(3), "{back:?}");
    pair.is_quiet().await;
    pair.other.probe().await.unwrap();
    assert_eq!(pair.one.bus().nodes().await.unwrap().len(), 2, "both are listed again");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_that_is_held_up_counts_as_away_and_nobody_waits_for_it() {
    let server = neighbours::Redis::start();
    let mut pair = Pair::at(&server.url()).await;
    let presence = pair.one.presence();
    presence.put(&user("ada"), ConnectionId(1), Status::Available).await.unwrap();
    server.pause();
    let noticed = pair.missed().await;
    assert!(noticed < Duration::from_secs(4), "{noticed:?}");
    // The breaker is open: local knowledge answers at once.
    let started = Instant::now();
    for number in 0..100 {
        let change = presence.put(&user("bob"), ConnectionId(number), Status::Away).await;
        assert_eq!(change.unwrap().connections, number as usize + 1);
        pair.publish(numbered(number)).await.ok();
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let rate = Rate::new(1.0, 1);
    let check = pair.one.rate_limiter();
    assert!(check.check(Limiter::Auth, LimiterContext::Ip, "key", rate).await.is_err());
    server.resume();
    let back = pair.comes_through().await;
    println!("held up: noticed in {noticed:?}, back in {back:?}");
    assert!(back < Duration::from_secs(3), "{back:?}");
    pair.is_well().await;
    pair.one.presence().reconcile().await.unwrap();
    let seen = pair.other.presence().statuses(&[user("ada"), user("bob")]).await.unwrap();
    assert_eq!(seen, [Status::Available, Status::Away]);
    pair.is_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn signals_of_a_short_absence_arrive_once_and_in_order() {
    const LAST: u64 = 500;
    let mut server = neighbours::Redis::start();
    let mut pair = Pair::at(&server.url()).await;
    server.kill();
    pair.missed().await;
    for number in 0..LAST {
        pair.publish(numbered(number)).await.unwrap();
    }
    server.start_again();
    // Whoever publishes may be back before who listens: what falls between the two is lost, and said
    // to be.
    let (mut heard, mut missed) = (Vec::new(), false);
    let all = timeout(PATIENCE, async {
        let mut again = tokio::time::interval(Duration::from_millis(200));
        while heard.last() != Some(&LAST) {
            tokio::select! {
                told = pair.heard.receive() => match told {
                    Some(Heard::Signal(signal, _)) => {
                        if let Signal::Tell(_, Event::Draining { after_ms }) = *signal {
                            heard.push(after_ms);
                        }
                    }
                    Some(Heard::Missed) => missed = true,
                    _ => {}
                },
                _ = again.tick() => pair.one.bus().publish(numbered(LAST)).await.unwrap(),
            }
        }
    });
    all.await.expect("what is published once both are back arrives");
    assert!(heard.is_sorted_by(|one, next| one < next), "each once, in order: {heard:?}");
    let arrived = heard.len() - 1;
    assert!(missed || arrived == LAST as usize, "lost in silence: {arrived} of {LAST} arrived");
    println!("of {LAST} signals published while the server was away {arrived} arrived");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_slow_server_loses_nothing() {
    let server = neighbours::Redis::start();
    let mut pair = Pair::at(&server.url()).await;
    let port = server.port();
    let sleeps = tokio::task::spawn_blocking(move || {
        server.ask(&["DEBUG", "SLEEP", "0.7"]);
        server
    });
    for number in 0..200 {
        pair.publish(numbered(number)).await.unwrap();
    }
    for number in 0..200 {
        let heard = timeout(PATIENCE, pair.heard.receive()).await.expect("it arrives");
        match heard {
            Some(Heard::Signal(signal, _)) => assert_eq!(signal, numbered(number)),
            other => panic!("{other:?} on port {port}"),
        }
    }
    drop(sleeps.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn an_emptied_server_is_filled_again() {
    let server = neighbours::Redis::start();
    let pair = Pair::at(&server.url()).await;
    let (one, other) = (pair.one.presence(), pair.other.presence());
    let users: Vec<_> = (0..600).map(|number| user(&format!("user-{number}"))).collect();
    for (number, user) in users.iter().enumerate() {
        one.put(user, ConnectionId(number as u64), Status::Away).await.unwrap();
    }
    other.put(&users[0], ConnectionId(9_999), Status::Available).await.unwrap();
    assert_eq!(one.users_online().await.unwrap(), 600);
    server.ask(&["FLUSHALL"]);
    // A user who says more after that is not taken for one who has just come.
    let change = one.put(&users[1], ConnectionId(7_777), Status::Available).await.unwrap();
    assert_eq!((change.before, change.after), (Status::Away, Status::Available));
    let told = one.reconcile().await.unwrap();
    assert_eq!(told.len(), 599, "everyone but the one who was told of already");
    other.reconcile().await.unwrap();
    assert_eq!(one.users_online().await.unwrap(), 600);
    let seen = other.statuses(&users[..3]).await.unwrap();
    assert_eq!(seen, [Status::Available, Status::Available, Status::Away]);
    assert_eq!(one.reconcile().await.unwrap(), [], "then all is well");
    // Nodes say again that they are there.
    let started = Instant::now();
    while pair.one.bus().nodes().await.unwrap().len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(2), "both are listed again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn an_evicted_user_and_a_leftover_are_put_right() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let node = connect(config(&server.url(), &prefix, 1)).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let presence = node.presence();
    presence.put(&user("ada"), ConnectionId(1), Status::Available).await.unwrap();
    let keys = server.ask(&["KEYS", &format!("{prefix}presence:*:user:ada")]);
    server.ask(&["DEL", &keys]);
    let gone = other.presence().statuses(&[user("ada")]).await.unwrap();
    assert_eq!(gone, [Status::Unavailable]);
    let told = presence.reconcile().await.unwrap();
    assert_eq!(told, [(user("ada"), Status::Available)]);
    let back = other.presence().statuses(&[user("ada")]).await.unwrap();
    assert_eq!(back, [Status::Available]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_users_of_a_dead_node_are_gone_within_half_a_minute_and_one_tells() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let (one, other) = (
        connect(config(&server.url(), &prefix, 1)).await,
        connect(config(&server.url(), &prefix, 2)).await,
    );
    let dies = connect(config(&server.url(), &prefix, 3)).await;
    let (ada, bob) = (user("ada"), user("bob"));
    for name in [&ada, &bob] {
        dies.presence().put(name, ConnectionId(1), Status::Available).await.unwrap();
    }
    one.presence().put(&bob, ConnectionId(2), Status::Away).await.unwrap();
    drop(dies);
    let died = Instant::now();
    let missed = async || {
        let nodes = one.bus().nodes().await.unwrap();
        nodes.into_iter().any(|node| node.name == "node-3" && !node.alive)
    };
    while !missed().await {
        assert!(died.elapsed() < Duration::from_secs(5), "it is missed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("a dead node is missed after {:?}", died.elapsed());
    let mut told = Vec::new();
    while died.elapsed() < Duration::from_secs(25) && told.len() < 2 {
        let (one, other) =
            tokio::join!(async { one.presence().reconcile().await.unwrap() }, async {
                other.presence().reconcile().await.unwrap()
            },);
        told.extend(one.into_iter().chain(other));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("its users are gone after {:?}", died.elapsed());
    told.sort_by_key(|(user, _)| user.clone());
    assert_eq!(told, [(ada.clone(), Status::Unavailable), (bob.clone(), Status::Away)]);
    let seen = other.presence().statuses(&[ada, bob]).await.unwrap();
    assert_eq!(seen, [Status::Unavailable, Status::Away]);
    assert_eq!(other.presence().users_online().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_was_to_be_forgotten_while_redis_was_away_is_not_given_afterwards() {
    let server = neighbours::Redis::start();
    let node = connect(config(&server.url(), &prefix(), 1)).await;
    let cache = node.cache();
    let key = CacheKey::Room(room("lobby"));
    cache.put(&key, &Cached::Room(RoomKind::Public)).await.unwrap();
    server.pause();
    assert!(cache.forget(std::slice::from_ref(&key)).await.is_err());
    server.resume();
    let started = Instant::now();
    while node.probe().await.is_err() {
        assert!(started.elapsed() < PATIENCE, "it comes back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..50 {
        assert_eq!(cache.get(&key).await.unwrap(), None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_full_server_still_carries_signals_and_is_put_right_later() {
    let server = neighbours::Redis::start();
    let recording = Recording::new();
    let prefix = prefix();
    let one = connect_counted(config(&server.url(), &prefix, 1), recording.registry()).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let mut heard = other.bus().subscribe().await.unwrap();
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let (ada, presence) = (user("ada"), one.presence());
    let change = presence.put(&ada, ConnectionId(1), Status::Available).await.unwrap();
    assert_eq!(change.after, Status::Available, "this node knows");
    assert!(
        one.cache().put(&CacheKey::Room(room("a")), &Cached::Room(RoomKind::Public)).await.is_err()
    );
    one.bus().publish(numbered(1)).await.unwrap();
    let first = timeout(PATIENCE, heard.receive()).await.expect("signals take no memory");
    assert!(matches!(first, Some(Heard::Signal(..))), "{first:?}");
    let full = recording.probe().value("chat_redis_errors_total", &[("reason", "memory")]);
    assert!(full.is_some_and(|full| full > 0.0), "{full:?}");
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    let told = presence.reconcile().await.unwrap();
    assert_eq!(told, [(ada.clone(), Status::Available)]);
    assert_eq!(other.presence().statuses(&[ada]).await.unwrap(), [Status::Available]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_lost_signal_is_noticed_within_a_second_even_if_it_was_the_last() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let short = campanile_adapter_redis::Config {
        signal_bytes_max: 200,
        ..config(&server.url(), &prefix, 1)
    };
    let one = connect(short).await;
    let other = connect(config(&server.url(), &prefix, 2)).await;
    let heard = other.bus().subscribe().await.unwrap();
    let mut pair = Pair { one, other, heard };
    pair.comes_through().await;
    pair.is_quiet().await;
    // It does not fit, so it is never sent; all that tells of it is the count.
    let rooms = (0..50).map(|number| room(&format!("a-long-name-of-a-room-{number}"))).collect();
    let long = Signal::Tell(Audience::Rooms(rooms), Event::Draining { after_ms: 0 });
    let refused = pair.publish(Arc::new(long)).await;
    assert!(matches!(refused, Err(BusError::TooLong { .. })), "{refused:?}");
    let noticed = pair.missed().await;
    println!("a lost last signal is noticed in {noticed:?}");
    assert!(noticed < Duration::from_secs(1), "{noticed:?}");
    pair.is_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn junk_is_counted_and_dropped() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let recording = Recording::new();
    let node = connect_counted(config(&server.url(), &prefix, 1), recording.registry()).await;
    let mut heard = node.bus().subscribe().await.unwrap();
    for junk in ["", "junk", "\u{1}junk"] {
        server.ask(&["PUBLISH", &format!("{prefix}bus:3"), junk]);
    }
    let dropped = || {
        let driver = [("driver", "redis")];
        recording.probe().value("chat_broker_messages_dropped_total", &driver)
    };
    let started = Instant::now();
    while dropped() != Some(3.0) {
        assert!(started.elapsed() < PATIENCE, "{:?} were dropped", dropped());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = timeout(PATIENCE, heard.receive()).await.expect("it may have been a signal");
    assert_eq!(told, Some(Heard::Missed));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn who_does_not_receive_is_told_that_it_missed() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let one = connect(config(&server.url(), &prefix, 1)).await;
    let slow = campanile_adapter_redis::Config {
        receive_queue_max: 100,
        ..config(&server.url(), &prefix, 2)
    };
    let other = connect(slow).await;
    let mut heard = other.bus().subscribe().await.unwrap();
    for number in 0..1_000 {
        one.bus().publish(spread(number)).await.unwrap();
    }
    // The last beat comes after everything.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = timeout(PATIENCE, heard.receive()).await.expect("it is told");
    assert_eq!(first, Some(Heard::Missed));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_master_that_was_killed_has_a_successor() {
    let mut set = neighbours::RedisSentinels::start();
    let mut pair = Pair::at(&set.url()).await;
    let ada = user("ada");
    pair.one.presence().put(&ada, ConnectionId(1), Status::Away).await.unwrap();
    let killed = set.kill_master();
    let noticed = pair.missed().await;
    assert!(noticed < Duration::from_secs(1), "{noticed:?}");
    let back = pair.comes_through().await;
    println!("sentinels: noticed in {noticed:?}, back in {back:?}");
    pair.is_well().await;
    pair.one.presence().reconcile().await.unwrap();
    let seen = pair.other.presence().statuses(std::slice::from_ref(&ada)).await.unwrap();
    assert_eq!(seen, [Status::Away]);
    // The old master comes back as a replica, and nobody goes to it.
    set.start_again(killed);
    pair.is_quiet().await;
    pair.comes_through().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_part_of_a_cluster_that_was_killed_has_a_successor() {
    let mut cluster = neighbours::RedisCluster::start();
    let prefix = prefix();
    let one = connect(config(&cluster.url(), &prefix, 1)).await;
    let other = connect(config(&cluster.url(), &prefix, 2)).await;
    let heard = other.bus().subscribe().await.unwrap();
    let mut pair = Pair { one, other, heard };
    pair.comes_through().await;
    pair.is_quiet().await;
    let killed = cluster.kill_master_of(&format!("{prefix}bus:0"));
    let noticed = pair.missed().await;
    assert!(noticed < Duration::from_secs(3), "{noticed:?}");
    let back = pair.comes_through().await;
    println!("cluster: noticed in {noticed:?}, back in {back:?}");
    cluster.start_again(killed);
    pair.is_quiet().await;
    // Every channel is heard, not only the first.
    for number in 0..256 {
        pair.publish(spread(number)).await.unwrap();
    }
    for _ in 0..256 {
        let next = timeout(PATIENCE, pair.heard.receive()).await.expect("it arrives");
        assert!(matches!(next, Some(Heard::Signal(..))), "{next:?}");
    }
}
