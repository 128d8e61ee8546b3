//! Every port in memory: for tests and for a single node.
//!
//! [`MemoryBus`], [`MemoryPresence`], [`MemoryChannels`], [`MemoryRateLimiter`] and [`MemoryAnswers`] are all that a single node needs;
//! [`MemoryStore`], [`MemoryBlobs`], [`MemoryCache`] and [`MemoryJobs`] forget everything at the end of the process and are
//! for tests.

mod clock;
mod answers;
mod blobs;
mod bus;
mod cache;
mod channels;
mod jobs;
mod presence;
mod rate_limiter;
mod store;
mod ports;

pub use answers::MemoryAnswers;
pub use blobs::MemoryBlobs;
pub use bus::{MemoryBus, MemoryHub};
pub use cache::MemoryCache;
pub use channels::MemoryChannels;
pub use clock::SystemClock;
pub use jobs::MemoryJobs;
pub use ports::ports;
pub use presence::MemoryPresence;
pub use rate_limiter::MemoryRateLimiter;
pub use store::MemoryStore;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock whose holders leave the data whole wherever they may panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
