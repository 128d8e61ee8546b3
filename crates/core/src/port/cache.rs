//! The cache: what is asked of the store again and again.

use super::Fault;
use crate::{
    name::{RoomName, UserName},
    room::{Role, RoomKind},
    user::{Session, TokenHash},
};
use async_trait::async_trait;
use campanile_metrics::labels;
use std::time::Duration;

labels! {
    /// What is cached.
    pub enum CacheName("cache") {
        /// Sessions by token.
        Sessions = "sessions",
        /// Rooms' kinds by name.
        Rooms = "rooms",
        /// Roles by room and user.
        Members = "members",
    }
}

/// After a key was forgotten, nothing is taken in under it for so long: longer than what was read
/// from the store before the change may be under way.
pub const FORGET_GUARD: Duration = Duration::from_secs(10);

/// Keeps copies of records for a while, on behalf of all nodes. Never the record itself: whatever
/// is not there, or cannot be asked for, is read from the store.
///
/// An entry is given as it was taken in, or not at all. It is gone at the latest when its time is
/// over, and at once when it is forgotten.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What is kept under this key.
    async fn get(&self, key: &CacheKey) -> Result<Option<Cached>, Fault>;

    /// Takes in what the store says, unless the key was forgotten within [`FORGET_GUARD`]: what was
    /// read before a change never comes in after it. The value is of the key's kind.
    async fn put(&self, key: &CacheKey, value: &Cached) -> Result<(), Fault>;

    /// Forgets these keys.
    async fn forget(&self, keys: &[CacheKey]) -> Result<(), Fault>;

    /// How much is kept.
    async fn size(&self) -> Result<CacheSize, Fault>;
}

/// Under what something is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CacheKey {
    /// A session's token.
    Session(TokenHash),
    /// A room's name.
    Room(RoomName),
    /// A user in a room.
    Role(RoomName, UserName),
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cached {
    /// A session.
    Session(Session),
    /// What a room is.
    Room(RoomKind),
    /// What a user is in a room.
    Role(Role),
}

/// How much a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSize {
    /// Entries, where the cache can tell.
    pub entries: Option<u64>,
    /// Bytes of memory that it uses.
    pub used_bytes: u64,
    /// Bytes of memory that it may use; 0 for no bound.
    pub max_bytes: u64,
    /// Entries put out for want of room since the cache began.
    pub evicted: u64,
    /// Entries whose time was over since the cache began.
    pub expired: u64,
}

impl CacheKey {
    /// To which cache it belongs.
    pub fn name(&self) -> CacheName {
        match self {
            Self::Session(_) => CacheName::Sessions,
            Self::Room(_) => CacheName::Rooms,
            Self::Role(..) => CacheName::Members,
        }
    }
}
