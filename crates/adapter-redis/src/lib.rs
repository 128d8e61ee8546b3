//! Bus, presence, channels, rate limits, answers and cache of many nodes, in Redis: one server, a set with sentinels,
//! or a cluster.
//!
//! [`Config::connect`] answers with a [`Redis`], which gives the ports. Nothing of Redis is durable
//! or needed to keep a message: while it is away each node goes on with what it knows, and when it
//! is back, what was missed is put right.

mod config;
mod handle;
mod core;
mod bus;
mod presence;
mod channels;
mod rate_limiter;
mod cache;
mod answers;
mod nodes;

mod place;
mod wire;
mod link;
mod health;
mod script;
mod codec;
mod trouble;
mod metrics;

pub use answers::RedisAnswers;
pub use bus::RedisBus;
pub use cache::RedisCache;
pub use channels::RedisChannels;
pub use config::{Config, ConnectError};
pub use handle::Redis;
pub use metrics::{Call, Driver, Eviction, RedisMetrics, Server};
pub use place::PlaceError;
pub use presence::RedisPresence;
pub use rate_limiter::RedisRateLimiter;
pub use trouble::TroubleKind;

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
