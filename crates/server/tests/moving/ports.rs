//! One kind of store is moved to the other, and back.

use crate::support::PATIENCE;
use async_trait::async_trait;
use campanile_adapter_file::FileBlobs;
use campanile_adapter_postgres as postgres;
use campanile_adapter_sqlite as sqlite;
use campanile_conformance::{IDEMPOTENCY_WINDOW, Movable, Opened, Stores, transfer};
use campanile_core::port::{BlobStore, Export, Import};
use campanile_metrics::Registry;
use campanile_neighbours::Postgres;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tempfile::TempDir;

/// A file and a directory that are not there yet.
struct Files(TempDir);

impl Files {
    fn config(&self) -> sqlite::Config {
        let idempotency_window = IDEMPOTENCY_WINDOW;
        sqlite::Config { idempotency_window, ..sqlite::Config::new(self.0.path().join("store.db")) }
    }
}

/// Opens again what was just let go of. A program that another test starts at this moment has the
/// lock until it runs.
async fn patiently<T, F>(open: impl Fn() -> F) -> Result<T, sqlite::OpenError>
where
    F: Future<Output = Result<T, sqlite::OpenError>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        match open().await {
            Err(sqlite::OpenError::InUse { .. }) if Instant::now() < until => {
                tokio::task::yield_now().await;
            }
            opened => return opened,
        }
    }
}

#[async_trait]
impl Movable for Files {
    async fn open(&self) -> Result<Opened, String> {
        let store = patiently(|| self.config().open(Registry::global())).await;
        let store = Arc::new(store.map_err(|error| error.to_string())?);
        let closed = store.clone();
        Ok(Opened {
            stores: Stores::of(store.clone()),
            jobs: store,
            blobs: self.blobs().await,
            close: Box::new(move || Box::pin(async move { closed.close().await })),
        })
    }

    async fn export(&self) -> Box<dyn Export> {
        Box::new(self.config().export_beside().await.expect("it is there"))
    }

    async fn import(&self) -> Box<dyn Import> {
        let import = patiently(|| self.config().import()).await;
        Box::new(import.expect("it can be made"))
    }

    async fn blobs(&self) -> Arc<dyn BlobStore> {
        let uploads = self.0.path().join("uploads");
        Arc::new(FileBlobs::open(&uploads).expect("it can be made"))
    }
}

/// A database that is empty at first.
struct Database(String);

impl Database {
    fn config(&self) -> postgres::Config {
        let (idempotency_window, connections_max) = (IDEMPOTENCY_WINDOW, 4);
        postgres::Config {
            idempotency_window,
            connections_max,
            ..postgres::Config::new(self.0.as_str())
        }
    }
}

#[async_trait]
impl Movable for Database {
    async fn open(&self) -> Result<Opened, String> {
        let store = self.config().connect(Registry::global()).await;
        let store = Arc::new(store.map_err(|error| error.to_string())?);
        let closed = store.clone();
        Ok(Opened {
            stores: Stores::of(store.clone()),
            jobs: store.clone(),
            blobs: store,
            close: Box::new(move || Box::pin(async move { closed.close().await })),
        })
    }

    async fn export(&self) -> Box<dyn Export> {
        let export = self.config().export_beside(Registry::global()).await;
        Box::new(export.expect("it is there"))
    }

    async fn import(&self) -> Box<dyn Import> {
        let import = self.config().import(Registry::global()).await;
        Box::new(import.expect("it can be reached"))
    }

    async fn blobs(&self) -> Arc<dyn BlobStore> {
        let blobs = self.config().blobs(Registry::global()).await;
        Arc::new(blobs.expect("it can be reached"))
    }
}

fn files() -> Box<dyn Movable> {
    Box::new(Files(tempfile::tempdir().expect("a directory")))
}

/// Databases on a server of the test's own.
fn databases(server: &Postgres) -> impl Fn() -> Box<dyn Movable> {
    let made = AtomicUsize::new(0);
    move || {
        let name = format!("test_{}", made.fetch_add(1, Ordering::Relaxed));
        Box::new(Database(server.create_database(&name)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_moved_to_files() {
    transfer(async || files(), async || files()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn files_are_moved_to_a_database() {
    let server = Postgres::start_with(&["fsync=off"]);
    let make = databases(&server);
    transfer(async || files(), async || make()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_is_moved_to_files() {
    let server = Postgres::start_with(&["fsync=off"]);
    let make = databases(&server);
    transfer(async || make(), async || files()).await;
}
