//! The cache, measured.

use super::{CacheMetrics, CacheOperation};
use crate::{
    labels::Outcome,
    port::{Cache, CacheKey, CacheName, CacheSize, Cached, Clock, Fault},
};
use async_trait::async_trait;
use campanile_metrics::Registry;
use std::sync::Arc;

/// A cache whose calls are measured.
pub struct InstrumentedCache {
    inner: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    metrics: CacheMetrics,
}

impl InstrumentedCache {
    /// The same cache, measured.
    pub fn new(inner: Arc<dyn Cache>, clock: Arc<dyn Clock>, registry: &Registry) -> Self {
        Self { inner, clock, metrics: CacheMetrics::register(registry) }
    }

    async fn count<T>(
        &self,
        (name, operation): (CacheName, CacheOperation),
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let started = self.clock.moment();
        let answer = work.await;
        let took = self.clock.moment().since(started);
        self.metrics.duration.observe(took, name, operation);
        let outcome = if answer.is_ok() { Outcome::Ok } else { Outcome::Error };
        self.metrics.operations.increment(name, operation, outcome);
        answer
    }
}

#[async_trait]
impl Cache for InstrumentedCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<Cached>, Fault> {
        let name = key.name();
        let found = self.count((name, CacheOperation::Get), self.inner.get(key)).await?;
        match found {
            Some(_) => self.metrics.hits.increment(name),
            None => self.metrics.misses.increment(name),
        }
        Ok(found)
    }

    async fn put(&self, key: &CacheKey, value: &Cached) -> Result<(), Fault> {
        self.count((key.name(), CacheOperation::Set), self.inner.put(key, value)).await
    }

    async fn forget(&self, keys: &[CacheKey]) -> Result<(), Fault> {
        // One call is counted once, where its first key belongs.
        let Some(name) = keys.first().map(CacheKey::name) else {
            return Ok(());
        };
        self.count((name, CacheOperation::Invalidate), self.inner.forget(keys)).await
    }

    async fn size(&self) -> Result<CacheSize, Fault> {
        self.inner.size().await
    }
}
