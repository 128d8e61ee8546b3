//! Presence.

use super::Fault;
use crate::{name::UserName, user::Status};
use async_trait::async_trait;

/// A connection's identity, unique over all nodes and restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Keeps which connections say what about their user, over all nodes. Not durable: a node's
/// connections are gone when it is, and are counted no longer within 30 seconds.
///
/// A user's status is the most reachable of what its connections say: available, then away, then
/// do not disturb, then unavailable; unavailable without any.
#[async_trait]
pub trait PresenceStore: Send + Sync {
    /// Notes what a connection says.
    async fn put(
        &self,
        user: &UserName,
        connection: ConnectionId,
        status: Status,
    ) -> Result<PresenceChange, Fault>;

    /// Forgets a connection.
    async fn remove(
        &self,
        user: &UserName,
        connection: ConnectionId,
    ) -> Result<PresenceChange, Fault>;

    /// The status of each of these users, in their order.
    async fn statuses(&self, users: &[UserName]) -> Result<Vec<Status>, Fault>;

    /// How many connections each of these users has, whatever they say, in their order.
    async fn connections(&self, users: &[UserName]) -> Result<Vec<usize>, Fault>;

    /// How many users have a connection.
    async fn users_online(&self) -> Result<u64, Fault>;

    /// Puts right what nodes have left wrong that died or were cut off: forgets the connections of
    /// nodes that are gone, and notes this node's own again where they were forgotten. The users
    /// whose status changed by it, with what it is now; of many nodes that do this at once, one is
    /// told of a change. To be called every few seconds.
    async fn reconcile(&self) -> Result<Vec<(UserName, Status)>, Fault>;
}

/// What a call did to a user's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceChange {
    /// The status before.
    pub before: Status,
    /// The status now.
    pub after: Status,
    /// How many connections the user has now.
    pub connections: usize,
}

/// The status of a user whose connections say these.
pub fn combine_statuses(said: impl IntoIterator<Item = Status>) -> Status {
    let reach = |status: &Status| match status {
        Status::Available => 3,
        Status::Away => 2,
        Status::DoNotDisturb => 1,
        Status::Unavailable => 0,
    };
    said.into_iter().max_by_key(reach).unwrap_or(Status::Unavailable)
}
