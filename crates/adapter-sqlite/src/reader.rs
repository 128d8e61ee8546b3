//! Reading: a pool of read-only connections, measured.

use crate::{Config, fault::fault, metrics::Measured};
use campanile_core::{instrumented::PoolState, port::Fault};
use campanile_metrics::Registry;
use sqlx::{Sqlite, SqlitePool, pool::PoolConnection, sqlite::SqlitePoolOptions};
use std::time::Instant;

/// The connections that read.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pool: SqlitePool,
    measured: Measured,
}

impl Reader {
    /// A pool that connects when it is first asked.
    pub(crate) fn open(config: &Config, measured: Measured) -> Self {
        measured.metrics.connections_max.set(config.readers_max, measured.driver);
        let pool = SqlitePoolOptions::new()
            .max_connections(config.readers_max)
            .acquire_timeout(config.reader_wait_max)
            // A file does not go away, so there is nothing to find out, and nothing to renew.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(config.options().read_only(true));
        Self { pool, measured }
    }

    /// Tells of the pool whenever the registry collects.
    pub(crate) fn add_collector(&self, registry: &Registry) {
        let (pool, Measured { metrics, driver }) = (self.pool.clone(), self.measured.clone());
        registry.add_collector(move || {
            let idle = pool.num_idle();
            let used = (pool.size() as usize).saturating_sub(idle);
            metrics.connections.set(idle, driver, PoolState::Idle);
            metrics.connections.set(used, driver, PoolState::Used);
        });
    }

    /// A connection to read with.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Sqlite>, Fault> {
        let Measured { metrics, driver } = &self.measured;
        let _pending = metrics.pending.guard(*driver);
        let started = Instant::now();
        let acquired = self.pool.acquire().await;
        metrics.wait.observe(started.elapsed(), *driver);
        if matches!(acquired, Err(sqlx::Error::PoolTimedOut)) {
            metrics.timeouts.increment(*driver);
        }
        acquired.map_err(fault)
    }

    /// Ends every connection once it has finished reading.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
