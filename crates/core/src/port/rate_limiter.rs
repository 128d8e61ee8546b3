//! Rate limits.

use super::Fault;
use crate::limits::Rate;
use async_trait::async_trait;
use campanile_metrics::labels;
use std::time::Duration;

labels! {
    /// What is limited.
    pub enum Limiter("limiter") {
        /// New connections.
        Connection = "connection",
        /// Messages and other requests of a connection.
        Message = "message",
        /// HTTP requests.
        Api = "api",
        /// Log-ins.
        Auth = "auth",
        /// Uploads.
        Upload = "upload",
        /// Joins.
        Join = "join",
        /// Claims of prekeys.
        Prekey = "prekey",
    }
}

labels! {
    /// For whom it is limited.
    pub enum LimiterContext("context") {
        /// An address.
        Ip = "ip",
        /// A user.
        User = "user",
        /// An application.
        App = "app",
        /// Everyone together.
        Global = "global",
    }
}

/// Lets so many through.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Whether one more of `limiter` may pass for `key` in `context`.
    ///
    /// The generic cell rate algorithm: after `rate.burst` at once, one passes each
    /// `1 / rate.per_second` seconds. Keys do not influence one another. A refusal costs nothing:
    /// asking again does not make the wait longer. Keys unused for as long as a full recovery
    /// takes are forgotten, so memory is bounded by the rate of new keys.
    async fn check(
        &self,
        limiter: Limiter,
        context: LimiterContext,
        key: &str,
        rate: Rate,
    ) -> Result<Verdict, Fault>;

    /// Whether `count` more of `limiter` may be spent by `key` in `context`; if so, they are.
    ///
    /// All of them or none, so a refusal costs nothing. What a key has spent is forgotten when the
    /// window is over that began when it spent the first. It shares nothing with what
    /// [`check`](Self::check) knows of the same key.
    async fn spend(
        &self,
        (limiter, context): (Limiter, LimiterContext),
        key: &str,
        count: u64,
        budget: Budget,
    ) -> Result<Verdict, Fault>;
}

/// What may be spent in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How much.
    pub max: u64,
    /// How long from the first that is spent.
    pub window: Duration,
}

/// Whether it may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may not before this has passed.
    Limited {
        /// How long to wait.
        retry_after: Duration,
    },
}
