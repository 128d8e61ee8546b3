//! Sessions.

use super::Fault;
use crate::{
    name::UserName,
    time::Timestamp,
    user::{Session, TokenHash},
};
use async_trait::async_trait;

/// Keeps sessions by the hash of their token.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Keeps a session. A token is random, so two are never the same. `session.operator` is not
    /// stored: `find` answers with what the account says then.
    async fn open(&self, session: Session) -> Result<(), Fault>;

    /// The session of this token, unless it has expired by `now`, was ended, or its user is
    /// banned.
    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault>;

    /// Ends the session of this token; whether there was one.
    async fn end(&self, token: TokenHash) -> Result<bool, Fault>;

    /// Ends all sessions of a user; which there were.
    async fn end_all(&self, user: &UserName) -> Result<Vec<TokenHash>, Fault>;

    /// Whether each of these tokens has no session any more, for the reasons that
    /// [`SessionStore::find`] knows; in their order.
    async fn ended(&self, tokens: &[TokenHash], now: Timestamp) -> Result<Vec<bool>, Fault>;

    /// Forgets the sessions that have expired by `now`; how many there were.
    async fn purge(&self, now: Timestamp) -> Result<u64, Fault>;
}
