//! Servers for the tests, and nodes that use them.

#![allow(dead_code, reason = "each test program uses some of it")]

use campanile_adapter_memory::SystemClock;
use campanile_adapter_redis::{Config, Redis};
use campanile_core::port::NodeId;
use campanile_metrics::{Registry, testing::Recording};
use campanile_neighbours as neighbours;
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Where Redis is.
pub(crate) struct Place {
    pub(crate) url: String,
    held: Box<dyn Any + Send + Sync>,
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A prefix that nobody else uses.
pub(crate) fn prefix() -> String {
    format!("test:{}:{}:", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// What a node is, before it connects.
pub(crate) fn config(url: &str, prefix: &str, number: usize) -> Config {
    let id = NodeId(NUMBER.fetch_add(1, Ordering::Relaxed));
    let config = Config::new(url, id, format!("node-{number}"), "0.1.0");
    Config { prefix: prefix.to_owned(), ..config }
}

/// Connects a node.
pub(crate) async fn connect(config: Config) -> Redis {
    let recording = Recording::new();
    connect_counted(config, recording.registry()).await
}

/// Connects a node that is counted.
pub(crate) async fn connect_counted(config: Config, registry: &Registry) -> Redis {
    let connected = config.connect(registry, Arc::new(SystemClock::new())).await;
    connected.unwrap_or_else(|error| panic!("{error}"))
}

impl Place {
    /// One server: the one of `CAMPANILE_TEST_REDIS_URL`, or a new one.
    pub(crate) fn standalone() -> Self {
        if let Some(url) = given_url() {
            return Self { url, held: Box::new(()) };
        }
        let server = neighbours::Redis::start();
        Self { url: server.url(), held: Box::new(server) }
    }

    /// A cluster of six.
    pub(crate) fn cluster() -> Self {
        let cluster = neighbours::RedisCluster::start();
        Self { url: cluster.url(), held: Box::new(cluster) }
    }

    /// A master, two replicas, three sentinels.
    pub(crate) fn sentinels() -> Self {
        let set = neighbours::RedisSentinels::start();
        Self { url: set.url(), held: Box::new(set) }
    }

    /// A node that uses it.
    pub(crate) async fn node(&self, prefix: &str, number: usize) -> Redis {
        connect(config(&self.url, prefix, number)).await
    }
}

#[expect(clippy::disallowed_methods, reason = "where a test finds its server is no configuration")]
fn given_url() -> Option<String> {
    std::env::var("CAMPANILE_TEST_REDIS_URL").ok()
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(
    what: &str,
    patience: Duration,
    holds: impl Fn() -> bool,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + patience;
        while !holds() {
            assert!(Instant::now() < deadline, "{what}: not within {patience:?}, at {caller}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
