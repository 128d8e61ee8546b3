//! Prekeys: what each user has published, handed out once.

use super::Fault;
use crate::{
    name::UserName,
    prekey::{PrekeyBundle, PrekeyCount, Prekeys},
};
use async_trait::async_trait;

/// Keeps the prekeys of X3DH and PQXDH. Each call is atomic and durable.
#[async_trait]
pub trait PrekeyStore: Send + Sync {
    /// Publishes prekeys of a user who has an account, and answers with what was added.
    ///
    /// Identity key, signed prekey and last resort take the place of those before: without a last
    /// resort there is none. Prekeys that are used once are added to those that are left, unless
    /// their id is not above the highest of their kind that the user has published: so a repeated
    /// call adds nothing, and what was handed out never comes back. Another identity key begins
    /// anew: all before it is forgotten.
    ///
    /// Of each kind that is used once at most `each_max` are kept; a call that would go beyond it
    /// changes nothing.
    async fn put(
        &self,
        user: &UserName,
        prekeys: Prekeys,
        each_max: u64,
    ) -> Result<PrekeyCount, PutPrekeysError>;

    /// How many prekeys of a user are left.
    async fn count(&self, user: &UserName) -> Result<PrekeyCount, Fault>;

    /// Hands out a bundle of a user; `None` for one who has published none.
    ///
    /// Of each kind that is used once it takes the one with the lowest id. Nobody else ever gets
    /// it, however many ask at once, and also after a crash.
    async fn claim(&self, user: &UserName) -> Result<Option<PrekeyBundle>, Fault>;

    /// How many prekeys of all users are left, and how many users with fewer than `low` one-time
    /// prekeys there are.
    async fn totals(&self, low: u64) -> Result<PrekeyTotals, Fault>;
}

/// The prekeys of all users who have published some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrekeyTotals {
    /// What is left.
    pub left: PrekeyCount,
    /// Users with few one-time prekeys, or none.
    pub users_low: u64,
    /// Users with no one-time prekey.
    pub users_exhausted: u64,
}

/// Why prekeys were not published.
#[derive(Debug, thiserror::Error)]
pub enum PutPrekeysError {
    /// Too many would be kept.
    #[error("too many prekeys of one kind would be kept")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
