//! Whatever happens to channels: many nodes over Redis do what one does in memory.

use crate::{
    scene::{Changes, app, enters, member},
    support::{config, connect, prefix},
};
use campanile_adapter_memory::{MemoryChannels, SystemClock};
use campanile_adapter_redis::{Redis, RedisChannels};
use campanile_core::{
    channel::{AppId, Channel, ChannelMember, Data, Edition, Kept, Published, Version},
    port::{ChannelChange, ChannelCount, ChannelSeen, ChannelStore, Clock, ConnectionId},
    time::Timestamp,
};
use campanile_neighbours as neighbours;
use futures_util::future::join_all;
use proptest::prelude::*;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

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
        // A call that found nothing there says none.
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
                let member =
                    NAMES[channel].starts_with("presence-").then_some(&member).and_then(enters);
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
                let until = Timestamp(until);
                self.memory.keep(&place, &published, until).await.unwrap();
                self.both.nodes[node].keep(&place, &published, until).await.unwrap();
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
        // What is not there is so as of the last change of all, which are not the same in both.
        if memory.subscriptions > 0 {
            self.compare_versions(channel, memory.version, redis.version);
        }
        let of_event = |seen: &ChannelSeen| {
            seen.kept.clone().map(|kept| Kept { edition: Edition::default(), ..kept })
        };
        assert_eq!(of_event(&redis), of_event(&memory));
        let (version, kept) = (memory.version, memory.kept.clone());
        assert_eq!(ChannelSeen { version, kept, ..redis }, memory);
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
                    let member =
                        NAMES[channel].starts_with("presence-").then_some(&member).and_then(enters);
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
