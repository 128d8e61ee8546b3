//! Channels when nodes die, and Redis is away, emptied, or full of junk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_memory::{MemoryChannels, SystemClock};
use campanile_adapter_redis::{Redis, RedisChannels};
use campanile_core::{
    channel::{AppId, Channel, ChannelMember, Data, Kept, Published, Version},
    instrumented::{Backend, Driver},
    port::{
        ChannelChange, ChannelCount, ChannelSeen, ChannelStore, Clock, ConnectionId, Fault,
        FaultKind,
    },
};
use campanile_metrics::{Registry, testing::Recording};
use campanile_neighbours as neighbours;
use futures_util::future::join_all;
use proptest::prelude::*;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use support::{Place, config, connect, connect_counted, prefix};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(30);

fn app(id: &str) -> AppId {
    AppId::parse(id).unwrap()
}

fn channel(name: &str) -> Channel {
    Channel::new(&app("shop"), name)
}

fn member(user: &str) -> ChannelMember {
    ChannelMember { user: user.into(), info: Some(format!("{{\"name\":\"{user}\"}}").into()) }
}

/// Subscribes; who has become a member.
async fn subscribe(node: &Redis, channel: &Channel, number: u64, user: &str) -> Vec<ChannelMember> {
    let (channels, member) = (node.channels(), member(user));
    channels.subscribe(channel, ConnectionId(number), Some(&member)).await.unwrap().added
}

async fn unsubscribe(node: &Redis, channel: &Channel, number: u64) -> ChannelChange {
    node.channels().unsubscribe(channel, ConnectionId(number)).await.unwrap()
}

async fn look(node: &Redis, channel: &Channel) -> ChannelSeen {
    let mut seen = node.channels().look(channel).await.unwrap();
    seen.members.sort_by(|one, other| one.user.cmp(&other.user));
    seen
}

async fn occupied(node: &Redis) -> Vec<(String, u64, u64)> {
    let counts = node.channels().occupied(&app("shop"), "").await.unwrap();
    let counts = counts.into_iter();
    counts.map(|count| (count.channel.name().into(), count.subscriptions, count.members)).collect()
}

type Changes = Vec<(Channel, ChannelChange)>;

async fn reconcile(node: &Redis) -> Changes {
    node.channels().reconcile().await.unwrap()
}

fn removed(changes: &Changes) -> Vec<String> {
    let removed = changes.iter().flat_map(|(_, change)| &change.removed);
    let mut users: Vec<_> = removed.map(|member| member.user.to_string()).collect();
    users.sort();
    users
}

fn added(changes: &Changes) -> Vec<String> {
    let added = changes.iter().flat_map(|(_, change)| &change.added);
    let mut users: Vec<_> = added.map(|member| member.user.to_string()).collect();
    users.sort();
    users
}

/// Waits until a node has both its connections.
async fn is_well(node: &Redis) {
    let started = Instant::now();
    while node.probe().await.is_err() {
        assert!(started.elapsed() < PATIENCE, "it finds back");
        sleep(Duration::from_millis(20)).await;
    }
}

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
        let change = one.channels().subscribe(&lobby, ConnectionId(0), Some(&again)).await;
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
    let fault = channels.subscribe(&lobby, ConnectionId(4), Some(&member("dan"))).await;
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
        comes.subscribe(&hall, ConnectionId(2), Some(&bob)),
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
    let away = one.channels().subscribe(&lobby, ConnectionId(3), Some(&member("cleo"))).await;
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

/// What may happen to channels. Connections and nodes are numbers.
#[derive(Clone, Debug)]
enum Act {
    Subscribe {
        node: usize,
        channel: usize,
        connection: u64,
        user: u8,
        info: u8,
    },
    Unsubscribe {
        node: usize,
        channel: usize,
        connection: u64,
    },
    Keep {
        node: usize,
        channel: usize,
        data: String,
        minutes: i64,
    },
    Look {
        node: usize,
        channel: usize,
    },
    Occupied {
        node: usize,
        prefix: usize,
    },
    Reconcile {
        node: usize,
    },
    /// Redis forgets everything, or a part of it.
    Lose {
        keys: Option<prop::sample::Index>,
    },
}

const NODES: usize = 3;

const NAMES: [&str; 5] = ["presence-a", "presence-ab", "news", "ne{w}*", "presence-\u{e4}\0"];

const PREFIXES: [&str; 5] = ["", "presence-", "ne", "presence-a", "zebra"];

fn act() -> impl Strategy<Value = Act> {
    let node = 0..NODES;
    let place = (node.clone(), 0..NAMES.len());
    prop_oneof![
        8 => (place.clone(), 0..4_u64, 0..3_u8, 0..3_u8).prop_map(
            |((node, channel), connection, user, info)| Act::Subscribe {
                node, channel, connection, user, info
            }
        ),
        8 => (place.clone(), 0..4_u64).prop_map(
            |((node, channel), connection)| Act::Unsubscribe { node, channel, connection }
        ),
        1 => (place.clone(), ".{0,20}", -1..2_i64).prop_map(
            |((node, channel), data, minutes)| Act::Keep { node, channel, data, minutes }
        ),
        3 => place.prop_map(|(node, channel)| Act::Look { node, channel }),
        2 => (node.clone(), 0..PREFIXES.len()).prop_map(
            |(node, prefix)| Act::Occupied { node, prefix }
        ),
        1 => node.prop_map(|node| Act::Reconcile { node }),
    ]
}

fn loss() -> impl Strategy<Value = Act> {
    proptest::option::of(any::<prop::sample::Index>()).prop_map(|keys| Act::Lose { keys })
}

/// Channels in Redis beside channels in memory, of which all nodes of the same Redis share one.
struct Both {
    server: neighbours::Redis,
    nodes: Vec<RedisChannels>,
    /// Keeps the connections.
    held: Vec<Redis>,
    clock: Arc<SystemClock>,
    cases: AtomicU64,
}

struct Case<'a> {
    both: &'a Both,
    memory: MemoryChannels,
    app: AppId,
    /// The last versions of each channel, in memory and in Redis.
    versions: HashMap<usize, (Version, Version)>,
}

impl Both {
    async fn start() -> Self {
        let (server, prefix) = (neighbours::Redis::start(), prefix());
        let mut held = Vec::new();
        for number in 0..NODES {
            held.push(connect(config(&server.url(), &prefix, number)).await);
        }
        let nodes = held.iter().map(Redis::channels).collect();
        let clock = Arc::new(SystemClock::new());
        Self { server, nodes, held, clock, cases: AtomicU64::new(0) }
    }

    fn case(&self) -> Case<'_> {
        let number = self.cases.fetch_add(1, Ordering::Relaxed);
        let memory = MemoryChannels::new(self.clock.clone());
        Case { both: self, memory, app: app(&format!("case-{number}")), versions: HashMap::new() }
    }
}

impl Case<'_> {
    fn channel(&self, channel: usize) -> Channel {
        Channel::new(&self.app, NAMES[channel])
    }

    /// A later change has a higher version, and what is no change has the same.
    fn compare_versions(&mut self, channel: usize, memory: Version, redis: Version) {
        // One that is not there has none.
        if memory == Version(0) || redis == Version(0) {
            assert_eq!(memory, redis);
            return;
        }
        let last = self.versions.insert(channel, (memory, redis)).unwrap_or_default();
        assert_eq!(memory.cmp(&last.0), redis.cmp(&last.1), "{last:?}, {memory:?}, {redis:?}");
    }

    fn compare(&mut self, channel: usize, memory: ChannelChange, redis: ChannelChange) {
        self.compare_versions(channel, memory.version, redis.version);
        assert_eq!(ChannelChange { version: memory.version, ..redis }, memory);
    }

    async fn act(&mut self, act: &Act) {
        match *act {
            Act::Subscribe { node, channel, connection, user, info } => {
                let (place, id) = (self.channel(channel), id(node, connection));
                let member = ChannelMember {
                    user: format!("user-{user}").into(),
                    info: (info > 0).then(|| format!("{{\"is\":{info}}}\0;,").into()),
                };
                let member = NAMES[channel].starts_with("presence-").then_some(&member);
                let memory = self.memory.subscribe(&place, id, member).await.unwrap();
                let redis = self.both.nodes[node].subscribe(&place, id, member).await.unwrap();
                self.compare(channel, memory, redis);
            }
            Act::Unsubscribe { node, channel, connection } => {
                let (place, id) = (self.channel(channel), id(node, connection));
                let memory = self.memory.unsubscribe(&place, id).await.unwrap();
                let redis = self.both.nodes[node].unsubscribe(&place, id).await.unwrap();
                self.compare(channel, memory, redis);
            }
            Act::Keep { node, channel, ref data, minutes } => {
                let place = self.channel(channel);
                let until = self.both.clock.now().0 + minutes * 60_000;
                let published = Published {
                    event: "said".into(),
                    data: Data::Text(data.as_str().into()),
                    user: None,
                };
                let kept = Kept { published, until: campanile_core::time::Timestamp(until) };
                self.memory.keep(&place, &kept).await.unwrap();
                self.both.nodes[node].keep(&place, &kept).await.unwrap();
            }
            Act::Look { node, channel } => self.look(node, channel).await,
            Act::Occupied { node, prefix } => {
                let memory = self.memory.occupied(&self.app, PREFIXES[prefix]).await.unwrap();
                let redis = &self.both.nodes[node];
                assert_eq!(redis.occupied(&self.app, PREFIXES[prefix]).await.unwrap(), memory);
            }
            Act::Reconcile { node } => {
                assert_eq!(self.reconcile(node).await, []);
            }
            Act::Lose { keys } => self.lose(keys),
        }
    }

    /// Cases before may still have something to tell.
    async fn reconcile(&self, node: usize) -> Changes {
        let mut changes = self.both.nodes[node].reconcile().await.unwrap();
        changes.retain(|(channel, _)| *channel.app() == self.app);
        changes
    }

    async fn look(&mut self, node: usize, channel: usize) {
        let place = self.channel(channel);
        let memory = sorted(self.memory.look(&place).await.unwrap());
        let redis = sorted(self.both.nodes[node].look(&place).await.unwrap());
        self.compare_versions(channel, memory.version, redis.version);
        assert_eq!(ChannelSeen { version: memory.version, ..redis }, memory);
    }

    fn lose(&self, keys: Option<prop::sample::Index>) {
        let Some(index) = keys else {
            self.both.server.ask(&["FLUSHALL"]);
            return;
        };
        let lose = "local keys = redis.call('KEYS', '*:channels:*')
            table.sort(keys)
            for index, key in ipairs(keys) do
              if index % 3 == tonumber(ARGV[1]) then redis.call('DEL', key) end
            end";
        self.both.server.ask(&["EVAL", lose, "0", &index.index(3).to_string()]);
    }

    /// After something was lost nodes put it right, and all is as in memory but for versions, which
    /// are higher, for what was kept, and for what is known of users whom several nodes have.
    async fn put_right(&mut self) {
        for _ in 0..3 {
            for node in 0..NODES {
                self.reconcile(node).await;
            }
        }
        for (number, node) in self.both.nodes.iter().enumerate() {
            assert_eq!(self.reconcile(number).await, [], "then all is well");
            assert_eq!(
                node.occupied(&self.app, "").await.unwrap(),
                self.memory.occupied(&self.app, "").await.unwrap(),
            );
        }
        for (channel, name) in NAMES.iter().enumerate() {
            let place = self.channel(channel);
            let memory = self.memory.look(&place).await.unwrap();
            let redis = self.both.nodes[0].look(&place).await.unwrap();
            assert_eq!(redis.subscriptions, memory.subscriptions, "{name}");
            assert_eq!(users(&redis), users(&memory), "{name}");
            let (_, last) = self.versions.get(&channel).copied().unwrap_or_default();
            let is_there = !redis.members.is_empty();
            assert!(!is_there || redis.version >= last, "{name}");
        }
    }
}

fn id(node: usize, connection: u64) -> ConnectionId {
    ConnectionId(node as u64 * 1_000 + connection)
}

fn sorted(mut seen: ChannelSeen) -> ChannelSeen {
    seen.members.sort_by(|one, other| one.user.cmp(&other.user));
    seen
}

fn users(seen: &ChannelSeen) -> Vec<Arc<str>> {
    let mut users: Vec<_> = seen.members.iter().map(|member| member.user.clone()).collect();
    users.sort();
    users
}

/// Runs a property whose cases share the servers.
fn prove<S: Strategy>(acts: S, cases: u32, case: impl AsyncFn(&Both, S::Value))
where
    S::Value: Clone,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let both = runtime.block_on(Both::start());
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let proved = proptest::test_runner::TestRunner::new(config).run(&acts, |acts| {
        runtime.block_on(case(&both, acts));
        Ok(())
    });
    proved.unwrap_or_else(|failed| panic!("{failed}"));
    let Both { held, .. } = both;
    runtime.block_on(join_all(held.iter().map(Redis::close)));
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn many_nodes_do_what_memory_does() {
    prove(proptest::collection::vec(act(), 1..60), 200, async |both, acts| {
        let mut case = both.case();
        for act in &acts {
            case.act(act).await;
        }
        for channel in 0..NAMES.len() {
            case.look(channel % NODES, channel).await;
        }
    });
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn whatever_is_lost_is_put_right() {
    let act = prop_oneof![10 => act(), 1 => loss()];
    prove(proptest::collection::vec(act, 1..60), 100, async |both, acts| {
        let mut case = both.case();
        let mut is_lost = false;
        for act in &acts {
            is_lost |= matches!(act, Act::Lose { .. });
            match *act {
                _ if !is_lost => case.act(act).await,
                // From here on answers differ until all is put right.
                Act::Subscribe { node, channel, connection, user, .. } => {
                    let (place, id) = (case.channel(channel), id(node, connection));
                    let member = member(&format!("user-{user}"));
                    let member = NAMES[channel].starts_with("presence-").then_some(&member);
                    case.memory.subscribe(&place, id, member).await.unwrap();
                    both.nodes[node].subscribe(&place, id, member).await.unwrap();
                }
                Act::Unsubscribe { node, channel, connection } => {
                    let (place, id) = (case.channel(channel), id(node, connection));
                    case.memory.unsubscribe(&place, id).await.unwrap();
                    both.nodes[node].unsubscribe(&place, id).await.unwrap();
                }
                Act::Lose { keys } => case.lose(keys),
                Act::Reconcile { node } => {
                    case.reconcile(node).await;
                }
                Act::Keep { .. } | Act::Look { .. } | Act::Occupied { .. } => {}
            }
        }
        case.put_right().await;
        for node in 0..NODES {
            for channel in 0..NAMES.len() {
                for connection in 0..4 {
                    let (place, id) = (case.channel(channel), id(node, connection));
                    both.nodes[node].unsubscribe(&place, id).await.unwrap();
                }
            }
        }
        assert_eq!(
            both.nodes[0].occupied(&case.app, "").await.unwrap(),
            Vec::<ChannelCount>::new()
        );
    });
}
