//! A node's connection, and the ports that go through it.

use crate::{
    answers::RedisAnswers, bus::RedisBus, cache::RedisCache, channels::RedisChannels, core::Core,
    metrics::Call, presence::RedisPresence, rate_limiter::RedisRateLimiter, trouble::Trouble,
};
use campanile_core::port::{Bus, Fault};
use redis::Value;
use std::sync::Arc;

/// A node's connection. The ports share it, and it ends when all of them are dropped.
#[derive(Clone)]
pub struct Redis(Arc<Core>);

impl Redis {
    pub(crate) fn new(core: Core) -> Self {
        Self(Arc::new(core))
    }

    /// The bus between the nodes.
    pub fn bus(&self) -> RedisBus {
        RedisBus(self.0.clone())
    }

    /// Presence over all nodes.
    pub fn presence(&self) -> RedisPresence {
        RedisPresence(self.0.clone())
    }

    /// The channels of applications over all nodes.
    pub fn channels(&self) -> RedisChannels {
        RedisChannels::new(self.0.clone())
    }

    /// Rate limits over all nodes.
    pub fn rate_limiter(&self) -> RedisRateLimiter {
        RedisRateLimiter::new(self.0.clone())
    }

    /// Answers that all nodes remember.
    pub fn answers(&self) -> RedisAnswers {
        RedisAnswers(self.0.clone())
    }

    /// A cache that all nodes share.
    pub fn cache(&self) -> RedisCache {
        RedisCache(self.0.clone())
    }

    /// Whether Redis answers, and is heard.
    pub async fn probe(&self) -> Result<(), Fault> {
        self.0.link.call::<Value>(Call::Ping, &redis::cmd("PING")).await?;
        if self.0.health.is_up() { Ok(()) } else { Err(Trouble::away().into()) }
    }

    /// Leaves the cluster of nodes, and ends all tasks. The ports fail from then on.
    pub async fn close(&self) {
        // Where Redis is away, the others notice by themselves.
        let _ = self.bus().leave().await;
        self.0.tasks.stop().await;
    }
}
