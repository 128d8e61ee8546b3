//! What only the driver sees is told, by exactly as much as happened.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_redis::{Config, Redis};
use campanile_conformance::{room, user};
use campanile_core::{
    channel::{AppId, Channel},
    event::{Audience, Event, Signal},
    instrumented::Driver,
    limits::Rate,
    port::{
        Bus, BusError, Cache, CacheKey, Cached, ChannelStore, ConnectionId, Limiter,
        LimiterContext, PresenceStore, RateLimiter,
    },
    room::RoomKind,
    user::Status,
};
use campanile_metrics::{
    Registry,
    testing::{Probe, Recording},
};
use campanile_neighbours as neighbours;
use std::{sync::Arc, time::Duration};
use support::{config, connect_counted, eventually, prefix};

const DRIVER: [(&str, &str); 1] = [("driver", "redis")];

const CACHE: [(&str, &str); 1] = [("cache", "redis")];

/// A node that is counted.
struct Counted {
    recording: Recording,
    node: Redis,
}

impl Counted {
    async fn at(server: &neighbours::Redis) -> Self {
        Self::with(config(&server.url(), &prefix(), 1)).await
    }

    async fn with(config: Config) -> Self {
        let registry = Registry::builder().values::<Driver>(["redis"]);
        let recording = Recording::with(registry);
        let node = connect_counted(config, recording.registry()).await;
        Self { recording, node }
    }

    fn probe(&self) -> Probe {
        self.recording.probe()
    }

    fn commands(&self, command: &str, result: &str) -> f64 {
        let labels = [("command", command), ("result", result)];
        self.probe().value("chat_redis_commands_total", &labels).unwrap()
    }

    fn times(&self, command: &str) -> f64 {
        let labels = [("command", command)];
        self.probe().value("chat_redis_command_duration_seconds_count", &labels).unwrap()
    }

    fn errors(&self, reason: &str) -> f64 {
        self.probe().value("chat_redis_errors_total", &[("reason", reason)]).unwrap()
    }

    fn errors_of_any_reason(&self) -> f64 {
        self.probe().sum("chat_redis_errors_total")
    }

    fn up(&self) -> f64 {
        self.probe().value("chat_broker_up", &DRIVER).unwrap()
    }

    fn reconnects(&self) -> f64 {
        self.probe().value("chat_broker_reconnects_total", &DRIVER).unwrap()
    }

    fn queue(&self) -> f64 {
        self.probe().value("chat_broker_queue_messages", &DRIVER).unwrap()
    }

    fn dropped(&self) -> f64 {
        self.probe().value("chat_broker_messages_dropped_total", &DRIVER).unwrap()
    }

    async fn publish(&self, count: u64) {
        for number in 0..count {
            self.node.bus().publish(numbered(number)).await.unwrap();
        }
    }

    /// Asks for an entry that is not there.
    async fn look_up(&self) -> bool {
        self.node.cache().get(&lobby()).await.is_ok()
    }

    async fn check_rate(&self) {
        let (limiter, rate) = (self.node.rate_limiter(), Rate::new(1.0, 10));
        limiter.check(Limiter::Auth, LimiterContext::Ip, "key", rate).await.unwrap();
    }
}

fn numbered(number: u64) -> Arc<Signal> {
    Arc::new(Signal::Tell(Audience::Everyone, Event::Draining { after_ms: number }))
}

fn news() -> Channel {
    Channel::new(&AppId::parse("shop").unwrap(), "news")
}

fn lobby() -> CacheKey {
    CacheKey::Room(room("lobby"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn every_call_is_counted_and_timed_by_what_is_asked() {
    let server = neighbours::Redis::start();
    let counted = Counted::at(&server).await;
    let (presence, cache) = (counted.node.presence(), counted.node.cache());
    // Nobody else asks for these.
    let before = counted.probe();
    counted.check_rate().await;
    presence.put(&user("ada"), ConnectionId(1), Status::Available).await.unwrap();
    presence.statuses(&[user("ada"), user("bob")]).await.unwrap();
    cache.get(&lobby()).await.unwrap();
    cache.get(&lobby()).await.unwrap();
    cache.put(&lobby(), &Cached::Room(RoomKind::Public)).await.unwrap();
    cache.forget(&[lobby()]).await.unwrap();
    let (channels, news) = (counted.node.channels(), news());
    channels.subscribe(&news, ConnectionId(1), None).await.unwrap();
    channels.unsubscribe(&news, ConnectionId(1)).await.unwrap();
    channels.look(&news).await.unwrap();
    counted.node.probe().await.unwrap();
    let moved = counted.probe().since(&before);
    let expected = [
        ("rate", 1.0),
        ("presence_put", 1.0),
        ("presence_get", 1.0),
        ("channels_put", 2.0),
        ("channels_get", 1.0),
        ("cache_get", 2.0),
        ("cache_put", 1.0),
        ("cache_forget", 1.0),
        ("ping", 1.0),
    ];
    for (command, count) in expected {
        let ok = [("command", command), ("result", "ok")];
        assert_eq!(moved.value("chat_redis_commands_total", &ok), Some(count), "{command}");
        let timed = [("command", command)];
        let times = moved.value("chat_redis_command_duration_seconds_count", &timed);
        assert_eq!(times, Some(count), "{command}");
        let seconds = moved.value("chat_redis_command_duration_seconds_sum", &timed);
        assert!(seconds.is_some_and(|sum| sum > 0.0 && sum < count), "{command}: {seconds:?}");
    }
    assert_eq!(counted.commands("subscribe", "ok"), 1.0, "to all channels at once");
    presence.reconcile().await.unwrap();
    assert!(counted.commands("presence_reconcile", "ok") > 0.0);
    channels.reconcile().await.unwrap();
    assert!(counted.commands("channels_reconcile", "ok") > 0.0);
    // The node asks for these by itself, again and again.
    for command in ["info", "nodes", "publish"] {
        let before = counted.commands(command, "ok");
        let (what, more) = (format!("{command} is asked"), || counted.commands(command, "ok"));
        eventually(&what, Duration::from_secs(10), || more() > before).await;
    }
    assert_eq!(counted.errors_of_any_reason(), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_script_that_redis_does_not_know_yet_is_no_error() {
    let server = neighbours::Redis::start();
    let counted = Counted::at(&server).await;
    assert!(counted.commands("nodes", "ok") >= 1.0, "the first script was sent at the start");
    counted.check_rate().await;
    counted.check_rate().await;
    assert_eq!(counted.commands("rate", "ok"), 2.0);
    assert_eq!(server.ask(&["SCRIPT", "FLUSH"]), "OK");
    counted.check_rate().await;
    assert_eq!(counted.commands("rate", "ok"), 3.0);
    assert_eq!(counted.times("rate"), 3.0);
    for command in ["rate", "nodes"] {
        assert_eq!(counted.commands(command, "error"), 0.0, "{command}");
    }
    assert_eq!(counted.errors_of_any_reason(), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_redis_refuses_is_counted_by_its_reason() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    // One that is not seen writes nothing by itself.
    let quiet = Config { is_seen: false, ..config(&server.url(), &prefix, 1) };
    let counted = Counted::with(quiet).await;
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let put = counted.node.cache().put(&lobby(), &Cached::Room(RoomKind::Public)).await;
    assert!(put.is_err());
    assert_eq!(counted.errors("memory"), 1.0);
    assert_eq!(counted.commands("cache_put", "error"), 1.0);
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    server.ask(&["LPUSH", &format!("{prefix}cache:room:lobby"), "no text"]);
    assert!(!counted.look_up().await);
    assert_eq!(counted.errors("other"), 1.0);
    server.ask(&["ACL", "SETUSER", "default", "-get"]);
    assert!(!counted.look_up().await);
    assert_eq!(counted.errors("auth"), 1.0);
    assert_eq!(counted.commands("cache_get", "error"), 2.0);
    assert_eq!(counted.commands("cache_get", "ok"), 0.0);
    assert_eq!(counted.times("cache_get"), 2.0, "a refusal takes its time too");
    assert_eq!(counted.errors_of_any_reason(), 3.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_makes_no_sense_is_counted_once() {
    let server = neighbours::Redis::start();
    let prefix = prefix();
    let counted = Counted::with(config(&server.url(), &prefix, 1)).await;
    // The node finds it with its next beat, and removes it.
    let junk = "redis.call('HSET', KEYS[1], '\\255', 'junk')";
    server.ask(&["EVAL", junk, "1", &format!("{prefix}nodes")]);
    let patience = Duration::from_secs(10);
    eventually("it is found", patience, || counted.errors("corrupt") == 1.0).await;
    let beats = counted.commands("nodes", "ok");
    eventually("it is gone", patience, || counted.commands("nodes", "ok") > beats + 1.0).await;
    assert_eq!(counted.commands("nodes", "error"), 1.0);
    assert_eq!(counted.errors_of_any_reason(), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_killed_server_is_down_until_it_is_back() {
    let mut server = neighbours::Redis::start();
    let counted = Counted::at(&server).await;
    let patience = Duration::from_secs(10);
    eventually("it is heard", patience, || counted.up() == 1.0).await;
    assert_eq!(counted.reconnects(), 0.0);
    server.kill();
    eventually("it is missed", patience, || counted.up() == 0.0).await;
    assert!(!counted.look_up().await, "by now both connections are known to be broken");
    assert!(counted.errors("connection") > 0.0);
    let (before, timed) = (counted.commands("cache_get", "error"), counted.times("cache_get"));
    assert!(!counted.look_up().await);
    assert_eq!(counted.commands("cache_get", "error"), before + 1.0);
    assert_eq!(counted.times("cache_get"), timed, "what is not asked takes no time");
    counted.publish(5).await;
    assert_eq!(counted.queue(), 5.0);
    server.start_again();
    eventually("it is back", patience, || counted.up() == 1.0).await;
    eventually("nothing waits", patience, || counted.queue() == 0.0).await;
    assert_eq!(counted.reconnects(), 2.0, "to command, and to listen");
    assert_eq!(counted.dropped(), 0.0);
    assert!(counted.look_up().await);
    assert_eq!(counted.commands("cache_get", "ok"), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_is_published_waits_while_the_server_is_held_up() {
    let server = neighbours::Redis::start();
    let counted = Counted::at(&server).await;
    let patience = Duration::from_secs(10);
    eventually("it is heard", patience, || counted.up() == 1.0).await;
    server.pause();
    counted.publish(7).await;
    assert_eq!(counted.queue(), 7.0);
    eventually("it is too late", patience, || counted.errors("timeout") > 0.0).await;
    eventually("it is down", patience, || counted.up() == 0.0).await;
    assert_eq!(counted.queue(), 7.0);
    server.resume();
    eventually("it is up", patience, || counted.up() == 1.0).await;
    eventually("nothing waits", patience, || counted.queue() == 0.0).await;
    assert_eq!(counted.dropped(), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_is_lost_at_the_edge_is_counted() {
    let mut server = neighbours::Redis::start();
    let bounded = Config {
        publish_hold: Duration::from_millis(500),
        signal_bytes_max: 200,
        ..config(&server.url(), &prefix(), 1)
    };
    let counted = Counted::with(bounded).await;
    let rooms = (0..50).map(|number| room(&format!("a-long-name-of-a-room-{number}"))).collect();
    let long = Signal::Tell(Audience::Rooms(rooms), Event::Draining { after_ms: 0 });
    let refused = counted.node.bus().publish(Arc::new(long)).await;
    assert!(matches!(refused, Err(BusError::TooLong { .. })), "{refused:?}");
    assert_eq!((counted.dropped(), counted.queue()), (1.0, 0.0));
    server.kill();
    counted.publish(4).await;
    let patience = Duration::from_secs(10);
    eventually("they have waited too long", patience, || counted.dropped() == 5.0).await;
    assert_eq!(counted.queue(), 0.0);
    let refused = counted.node.bus().publish(numbered(0)).await;
    assert!(refused.is_err(), "nothing waits for a server that is away for long");
    assert_eq!((counted.dropped(), counted.queue()), (6.0, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_memory_of_the_cache_is_told() {
    const MEGABYTE: f64 = 1024.0 * 1024.0;
    let policy = ["--maxmemory", "10mb", "--maxmemory-policy", "allkeys-random"];
    let mut server = neighbours::Redis::start_with(&policy);
    let counted = Counted::at(&server).await;
    let cache = |name: &str| counted.probe().value(name, &CACHE).unwrap();
    let (used, max) = ("chat_cache_used_bytes", "chat_cache_max_bytes");
    let evictions = |reason: &str| {
        let labels = [("cache", "redis"), ("reason", reason)];
        counted.probe().value("chat_cache_evictions_total", &labels).unwrap()
    };
    // It is looked at every five seconds.
    let patience = Duration::from_secs(20);
    eventually("it is seen", patience, || cache("chat_cache_up") == 1.0).await;
    assert_eq!(cache(max), 10.0 * MEGABYTE);
    assert!((0.1 * MEGABYTE..5.0 * MEGABYTE).contains(&cache(used)), "{}", cache(used));
    assert_eq!((evictions("ttl"), evictions("size")), (0.0, 0.0));

    for key in ["one", "two", "three"] {
        server.ask(&["SET", key, "soon over", "PX", "1"]);
    }
    eventually("three are over", patience, || evictions("ttl") == 3.0).await;
    assert_eq!(evictions("size"), 0.0);

    let fill = "for n = 1, 200 do redis.call('SET', ARGV[1] .. n, string.rep('x', 100000)) end";
    server.ask(&["EVAL", fill, "0", "filler"]);
    server.ask(&["SET", "one more", "after the script"]);
    eventually("some had to go", patience, || evictions("size") > 0.0).await;
    let told = server.ask(&["INFO", "stats"]);
    let evicted = told.lines().find_map(|line| line.strip_prefix("evicted_keys:")).unwrap();
    let evicted: f64 = evicted.trim().parse().unwrap();
    eventually("all are counted", patience, || evictions("size") == evicted).await;
    assert!((5.0 * MEGABYTE..=10.0 * MEGABYTE).contains(&cache(used)), "{}", cache(used));
    server.ask(&["CONFIG", "SET", "maxmemory", "20mb"]);
    eventually("there is more room", patience, || cache(max) == 20.0 * MEGABYTE).await;

    // Nothing of ours comes and goes here but the list of nodes.
    let entries = || counted.probe().value("chat_cache_entries", &CACHE).unwrap();
    let held = || server.ask(&["DBSIZE"]).trim().parse::<f64>().unwrap();
    eventually("entries are counted", patience, || entries() == held()).await;
    assert!(held() > 40.0, "{}", held());
    server.ask(&["FLUSHALL"]);
    eventually("they are gone", patience, || entries() < 20.0).await;

    let expired = evictions("ttl");
    server.kill();
    eventually("it is missed", patience, || cache("chat_cache_up") == 0.0).await;
    server.start_again();
    eventually("it is seen again", patience, || cache("chat_cache_up") == 1.0).await;
    assert_eq!(cache(max), 10.0 * MEGABYTE);
    assert!(cache(used) < 5.0 * MEGABYTE, "{}", cache(used));
    // A server that has started again counts from nothing, and what it says is added.
    for key in ["four", "five"] {
        server.ask(&["SET", key, "soon over", "PX", "1"]);
    }
    eventually("two are over", patience, || evictions("ttl") == expired + 2.0).await;
    assert_eq!(evictions("size"), evicted);
}
