//! The store: readers, the writer, and the lock that keeps other processes out.

use crate::{fault::fault, reader::Reader, writer::Writer};
use campanile_core::port::Fault;
use sqlx::{Sqlite, pool::PoolConnection, query};
use std::fs::File;

/// A store in one file. It has every store port.
#[derive(Debug)]
pub struct SqliteStore {
    reader: Reader,
    writer: Writer,
    /// Held, not read: the lock is released when the file is closed.
    _lock: Option<File>,
}

impl SqliteStore {
    pub(crate) fn new(reader: Reader, writer: Writer, lock: Option<File>) -> Self {
        Self { reader, writer, _lock: lock }
    }

    /// Finishes what was accepted, and closes the file. What comes later is refused.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reader.close().await;
    }

    /// Finds out whether the store can be read and written.
    pub async fn probe(&self) -> Result<(), Fault> {
        let mut reader = self.reader.acquire().await?;
        query("SELECT 1 FROM pulse").execute(&mut *reader).await.map_err(fault)?;
        self.writer.probe().await
    }

    /// Whether another process has changed the store since this was last asked; the first answer
    /// is yes, as nobody knows. Cheap, and never in the way of what is written.
    pub async fn changed_elsewhere(&self) -> Result<bool, Fault> {
        self.writer.changed_elsewhere().await
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, Fault> {
        self.reader.acquire().await
    }
}
