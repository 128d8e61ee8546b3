//! Subscriptions to pushes.

use super::Fault;
use crate::{
    name::UserName,
    push::{PushEndpoint, PushSubscription},
    time::Timestamp,
    user::TokenHash,
};
use async_trait::async_trait;

/// Keeps the subscriptions of browsers. Each call is atomic and durable.
///
/// A subscription lasts as long as the session in which it was made: a log-out, a ban, a new
/// password and the session's end take it away.
#[async_trait]
pub trait PushStore: Send + Sync {
    /// Keeps a subscription of the session's user; one of the same endpoint, whosever it was, is
    /// gone. Of a user at most `each_max` are kept: the oldest make way. `false`, and nothing is
    /// changed, when there is no such session.
    async fn put(
        &self,
        token: TokenHash,
        subscription: PushSubscription,
        now: Timestamp,
        each_max: u64,
    ) -> Result<bool, Fault>;

    /// Forgets a user's subscription; whether there was one.
    async fn remove(&self, user: &UserName, endpoint: &PushEndpoint) -> Result<bool, Fault>;

    /// The subscriptions of a user whose sessions are good at `now`, the oldest first.
    async fn of(&self, user: &UserName, now: Timestamp) -> Result<Vec<PushSubscription>, Fault>;

    /// How many subscriptions there are.
    async fn count(&self) -> Result<u64, Fault>;
}
