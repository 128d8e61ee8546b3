//! Reading: a pool of read-only connections, measured.

use crate::{
    Config,
    fault::fault,
    metrics::{Backend, PoolState, SqliteMetrics},
};
use campanile_core::port::Fault;
use campanile_metrics::Registry;
use sqlx::{Sqlite, SqlitePool, pool::PoolConnection, sqlite::SqlitePoolOptions};
use std::time::Instant;

/// The connections that read.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pool: SqlitePool,
    metrics: SqliteMetrics,
}

impl Reader {
    /// A pool that connects when it is first asked.
    pub(crate) fn open(config: &Config, metrics: SqliteMetrics) -> Self {
        metrics.connections_max.set(config.readers_max, Backend::Sqlite);
        let pool = SqlitePoolOptions::new()
            .max_connections(config.readers_max)
            .acquire_timeout(config.reader_wait_max)
            // A file does not go away, so there is nothing to find out, and nothing to renew.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(config.options().read_only(true));
        Self { pool, metrics }
    }

    /// Tells of the pool whenever the registry collects.
    pub(crate) fn add_collector(&self, registry: &Registry) {
        let (pool, connections) = (self.pool.clone(), self.metrics.connections.clone());
        registry.add_collector(move || {
            let idle = pool.num_idle();
            let used = (pool.size() as usize).saturating_sub(idle);
            connections.set(idle, Backend::Sqlite, PoolState::Idle);
            connections.set(used, Backend::Sqlite, PoolState::Used);
        });
    }

    /// A connection to read with.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Sqlite>, Fault> {
        let _pending = self.metrics.pending.guard(Backend::Sqlite);
        let started = Instant::now();
        let acquired = self.pool.acquire().await;
        self.metrics.wait.observe(started.elapsed(), Backend::Sqlite);
        if matches!(acquired, Err(sqlx::Error::PoolTimedOut)) {
            self.metrics.timeouts.increment(Backend::Sqlite);
        }
        acquired.map_err(fault)
    }

    /// Ends every connection once it has finished reading.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
