//! What connects the nodes: the bus, and what they share beside the store.

use super::{AdapterError, BusKind, Close, limiter::SharedLimiter};
use crate::config::Config;
use campanile_adapter_memory::{
    MemoryAnswers, MemoryChannels, MemoryHub, MemoryPresence, MemoryRateLimiter, SystemClock,
};
use campanile_adapter_redis as redis;
use campanile_core::instrumented::BusMetrics;
use campanile_core::port::{
    AnswerStore, Bus, Cache, ChannelStore, Clock, Node, NodeId, PresenceStore, RateLimiter,
};
use campanile_metrics::Registry;
use std::{sync::Arc, time::Duration};

/// What this node runs.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is between the nodes.
pub(super) struct Between {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) presence: Arc<dyn PresenceStore>,
    pub(super) channels: Arc<dyn ChannelStore>,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) answers: Arc<dyn AnswerStore>,
    pub(super) cache: Option<Arc<dyn Cache>>,
    pub(super) close: Close,
}

impl Between {
    pub(super) async fn open(
        kind: &BusKind,
        config: &Config,
        (node, clock): (NodeId, Arc<SystemClock>),
        registry: &Registry,
    ) -> Result<Self, AdapterError> {
        let own_limiter = Arc::new(MemoryRateLimiter::new(clock.clone()));
        match kind {
            BusKind::Memory => {
                let node = Node::new(node, &config.node_name(), VERSION, clock.now());
                // What is within the process does not go away before it.
                BusMetrics::register(registry).up.set(1u64, registry.label(kind.name()));
                Ok(Self {
                    bus: Arc::new(MemoryHub::new().join(node)),
                    presence: Arc::new(MemoryPresence::default()),
                    channels: Arc::new(MemoryChannels::new(clock.clone())),
                    limiter: own_limiter,
                    answers: Arc::new(MemoryAnswers::new(clock)),
                    cache: None,
                    close: Box::new(|| Box::pin(async {})),
                })
            }
            BusKind::Redis => {
                let redis = redis_config(config, node).connect(registry, clock).await?;
                let keeps = config.bus.cache_seconds > 0.0;
                Ok(Self {
                    bus: Arc::new(redis.bus()),
                    presence: Arc::new(redis.presence()),
                    channels: Arc::new(redis.channels()),
                    limiter: Arc::new(SharedLimiter::new(own_limiter, redis.rate_limiter())),
                    answers: Arc::new(redis.answers()),
                    cache: keeps.then(|| Arc::new(redis.cache()) as Arc<dyn Cache>),
                    close: Box::new(move || Box::pin(async move { redis.close().await })),
                })
            }
        }
    }
}

/// How Redis is connected to with these settings.
pub(super) fn redis_config(config: &Config, node: NodeId) -> redis::Config {
    let bus = &config.bus;
    let reveal = |secret: &Option<crate::config::Secret>| {
        secret.as_ref().map(|secret| secret.reveal().to_owned())
    };
    redis::Config {
        password: reveal(&bus.password),
        prefix: bus.prefix.clone(),
        ca_file: bus.ca.clone(),
        sentinel_user: bus.sentinel_user.clone(),
        sentinel_password: reveal(&bus.sentinel_password),
        cache_lifetime: Duration::from_secs_f64(bus.cache_seconds),
        ..redis::Config::new(&bus.url, node, config.node_name(), VERSION)
    }
}
