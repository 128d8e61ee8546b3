//! The store: the pool, the writers, and what keeps the database in order.

use crate::{
    PostgresBlobs,
    metrics::Statement,
    sessions::Endings,
    upkeep::Upkeep,
    work::{Work, Worker},
    writer::Writers,
};
use async_trait::async_trait;
use campanile_core::port::Fault;
use sqlx::{Error, PgConnection, query};
use std::sync::atomic::{AtomicI64, Ordering};

/// A store in a database that many nodes share. It has every store port.
#[derive(Debug)]
pub struct PostgresStore {
    worker: Worker,
    writers: Writers,
    upkeep: Upkeep,
    reactions_per_message_max: usize,
    /// How often sessions had been ended when that was last asked.
    endings: AtomicI64,
}

impl PostgresStore {
    pub(crate) fn new(
        worker: Worker,
        writers: Writers,
        upkeep: Upkeep,
        reactions_per_message_max: usize,
    ) -> Self {
        Self { worker, writers, upkeep, reactions_per_message_max, endings: AtomicI64::new(-1) }
    }

    /// Finishes what was accepted, and closes all connections. What comes later is refused.
    pub async fn close(&self) {
        self.writers.close().await;
        self.upkeep.stop().await;
        self.worker.pool.close().await;
    }

    /// Finds out whether the database can be read and written.
    pub async fn probe(&self) -> Result<(), Fault> {
        let probed = self.worker.change(Pulse).await;
        self.worker.measured.set_up(probed.is_ok());
        probed
    }

    /// Whether sessions were ended since this was last asked, by whomever; the first answer is yes,
    /// as nobody knows.
    pub async fn sessions_ended(&self) -> Result<bool, Fault> {
        let endings = self.worker.read(Endings).await?;
        Ok(self.endings.swap(endings, Ordering::Relaxed) != endings)
    }

    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    pub(crate) fn blobs(&self) -> PostgresBlobs {
        PostgresBlobs::new(self.worker.clone())
    }

    pub(crate) fn writers(&self) -> &Writers {
        &self.writers
    }

    pub(crate) fn reactions_per_message_max(&self) -> usize {
        self.reactions_per_message_max
    }
}

/// A write that says nothing.
struct Pulse;

#[async_trait]
impl Work for Pulse {
    type Answer = ();
    const STATEMENT: Statement = Statement::Probe;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        query("UPDATE campanile SET beats = beats + 1").execute(connection).await?;
        Ok(())
    }
}
