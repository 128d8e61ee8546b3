//! The pool: connections that are lent for one transaction, measured.
//!
//! It fails at once where the database cannot be reached, so that callers hear so and not that
//! all connections are busy, and it forgets every connection that is older than a failure of one.

use crate::{connector::Connector, fault, metrics::Measured};
use campanile_core::{instrumented::PoolState, port::FaultKind};
use campanile_metrics::Registry;
use sqlx::{Connection, Error, PgConnection};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How old a connection may become: a database behind a name may move.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);

/// How long a connection may lie unused.
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);

/// Connections that are lent.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connector: Connector,
    max: usize,
    wait_max: Duration,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    /// Raised when a connection breaks: those made before may be broken too.
    generation: AtomicU64,
    measured: Measured,
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    generation: u64,
    made: Instant,
    since: Instant,
}

/// A connection that is lent. Dropped without [`Lease::give_back`], it is closed.
pub(crate) struct Lease {
    connection: PgConnection,
    generation: u64,
    made: Instant,
    inner: Arc<Inner>,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        connector: Connector,
        max: u32,
        wait_max: Duration,
        measured: Measured,
    ) -> Self {
        measured.pool.connections_max.set(max, measured.driver);
        let max = max.max(1) as usize;
        let inner = Inner {
            connector,
            max,
            wait_max,
            places: Arc::new(Semaphore::new(max)),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            measured,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Tells of the pool whenever the registry collects.
    pub(crate) fn add_collector(&self, registry: &Registry) {
        // A store that was dropped must not live on in the registry.
        let (inner, measured) = (Arc::downgrade(&self.inner), self.inner.measured.clone());
        registry.add_collector(move || {
            let counts = inner.upgrade().map_or((0, 0), |inner| {
                (inner.idle().len(), inner.max.saturating_sub(inner.places.available_permits()))
            });
            measured.pool.connections.set(counts.0, measured.driver, PoolState::Idle);
            measured.pool.connections.set(counts.1, measured.driver, PoolState::Used);
        });
    }

    /// A connection, an idle one or a new one.
    pub(crate) async fn acquire(&self) -> Result<Lease, Error> {
        let Measured { pool, driver, .. } = &self.inner.measured;
        let _pending = pool.pending.guard(*driver);
        let started = Instant::now();
        let acquired = self.lend().await;
        pool.wait.observe(started.elapsed(), *driver);
        if matches!(acquired, Err(Error::PoolTimedOut)) {
            pool.timeouts.increment(*driver);
        }
        acquired
    }

    async fn lend(&self) -> Result<Lease, Error> {
        let inner = &self.inner;
        let place = tokio::time::timeout(inner.wait_max, inner.places.clone().acquire_owned());
        let place = place.await.map_err(|_| Error::PoolTimedOut)?.map_err(|_| Error::PoolClosed)?;
        let generation = inner.generation.load(Ordering::Acquire);
        if let Some(idle) = inner.take_idle(generation) {
            return Ok(Lease {
                connection: idle.connection,
                generation: idle.generation,
                made: idle.made,
                inner: inner.clone(),
                _place: place,
            });
        }
        let connection = inner.connector.connect().await?;
        let (made, inner) = (Instant::now(), inner.clone());
        Ok(Lease { connection, generation, made, inner, _place: place })
    }

    /// Closes connections that were not used for long.
    pub(crate) fn prune(&self) {
        let generation = self.inner.generation.load(Ordering::Acquire);
        self.inner.idle().retain(|idle| idle.is_good(generation));
    }

    /// Lends nothing more and closes what comes back.
    pub(crate) async fn close(&self) {
        self.inner.places.close();
        let idle = std::mem::take(&mut *self.inner.idle());
        for idle in idle {
            // It is over either way.
            let _closed = idle.connection.close().await;
        }
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection used last, so that those not needed can grow old.
    fn take_idle(&self, generation: u64) -> Option<Idle> {
        let mut idle = self.idle();
        while let Some(last) = idle.pop() {
            if last.is_good(generation) {
                return Some(last);
            }
        }
        None
    }
}

impl Idle {
    fn is_good(&self, generation: u64) -> bool {
        self.generation == generation
            && self.made.elapsed() < AGE_MAX
            && self.since.elapsed() < IDLE_MAX
    }
}

impl Lease {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives back a connection on which nothing is open.
    pub(crate) fn give_back(self) {
        let Self { connection, generation, made, inner, _place } = self;
        if !inner.places.is_closed() {
            inner.idle().push(Idle { connection, generation, made, since: Instant::now() });
        }
    }

    /// Gives up a connection that broke; others of its time are not lent again.
    pub(crate) fn give_up(self, error: &Error) {
        if fault::kind(error) == FaultKind::Connection {
            let current = self.generation;
            let next = current + 1;
            // Somebody else may have been first.
            let _raised = self.inner.generation.compare_exchange(
                current,
                next,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }
}
