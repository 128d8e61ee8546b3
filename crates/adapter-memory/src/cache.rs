//! A cache in memory, for tests: with one process there is nothing to keep apart from the store.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    port::{Cache, CacheKey, CacheSize, Cached, Clock, FORGET_GUARD, Fault},
    time::Moment,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Keeps entries for a while.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    lifetime: Duration,
    entries: Mutex<HashMap<CacheKey, Entry>>,
}

struct Entry {
    /// `None`: it was forgotten, and nothing is taken in before its time is over.
    value: Option<Cached>,
    end: Moment,
}

impl MemoryCache {
    /// A cache that keeps entries for `lifetime`.
    pub fn new(clock: Arc<dyn Clock>, lifetime: Duration) -> Self {
        Self { clock, lifetime, entries: Mutex::default() }
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<Cached>, Fault> {
        let (now, entries) = (self.clock.moment(), lock(&self.entries));
        let entry = entries.get(key).filter(|entry| entry.end > now);
        Ok(entry.and_then(|entry| entry.value.clone()))
    }

    async fn put(&self, key: &CacheKey, value: &Cached) -> Result<(), Fault> {
        let (now, mut entries) = (self.clock.moment(), lock(&self.entries));
        entries.retain(|_, entry| entry.end > now);
        if entries.get(key).is_none_or(|entry| entry.value.is_some()) {
            let entry = Entry { value: Some(value.clone()), end: now.plus(self.lifetime) };
            entries.insert(key.clone(), entry);
        }
        Ok(())
    }

    async fn forget(&self, keys: &[CacheKey]) -> Result<(), Fault> {
        let end = self.clock.moment().plus(FORGET_GUARD);
        let mut entries = lock(&self.entries);
        for key in keys {
            entries.insert(key.clone(), Entry { value: None, end });
        }
        Ok(())
    }

    async fn size(&self) -> Result<CacheSize, Fault> {
        let entries = lock(&self.entries).len() as u64;
        let used_bytes = entries * size_of::<(CacheKey, Entry)>() as u64;
        Ok(CacheSize { entries: Some(entries), used_bytes, ..CacheSize::default() })
    }
}
