//! Invitations. [`AccountStore::create`](super::AccountStore::create) uses them up.

use super::Fault;
use crate::{
    invite::{Invite, InviteHash},
    time::Timestamp,
};
use async_trait::async_trait;

/// Keeps invitations. Each call is atomic and durable.
#[async_trait]
pub trait InviteStore: Send + Sync {
    /// Keeps an invitation; one of the same hash takes the place of that before. Those that have
    /// expired when it is made are forgotten first, and of the others at most `kept_max` are kept,
    /// this one among them: a call that would go beyond it changes nothing else.
    async fn put(&self, invite: Invite, kept_max: u64) -> Result<(), PutInviteError>;

    /// The invitations that let somebody in at `now`, at most `limit`: the newest first.
    async fn list(&self, now: Timestamp, limit: usize) -> Result<Vec<Invite>, Fault>;

    /// The invitation of this hash, if it lets somebody in at `now`.
    async fn find(&self, hash: InviteHash, now: Timestamp) -> Result<Option<Invite>, Fault>;

    /// Forgets an invitation; whether there was one.
    async fn revoke(&self, hash: InviteHash) -> Result<bool, Fault>;
}

/// Why an invitation was not kept.
#[derive(Debug, thiserror::Error)]
pub enum PutInviteError {
    /// Too many would be kept.
    #[error("too many invitations would be kept")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
