//! The store keeps every promise of its ports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use async_trait::async_trait;
use campanile_adapter_memory::MemoryBlobs;
use campanile_adapter_sqlite::Config;
use campanile_conformance::{self as conformance, IDEMPOTENCY_WINDOW, Movable, Opened, Stores};
use campanile_core::port::{BlobStore, Export, Import, JobQueue};
use campanile_metrics::Registry;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

async fn stores() -> Stores {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        idempotency_window: IDEMPOTENCY_WINDOW,
        ..Config::new(directory.path().join("store.db"))
    };
    let store = config.open(Registry::global()).await.unwrap();
    Stores::of(Arc::new(store)).holding(directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    conformance::account_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    conformance::session_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms() {
    conformance::room_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members() {
    conformance::member_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages() {
    conformance::message_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts() {
    conformance::receipt_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_queue() {
    let directory = tempfile::tempdir().unwrap();
    let opened = AtomicUsize::new(0);
    conformance::job_queue(async || {
        let number = opened.fetch_add(1, Ordering::Relaxed);
        let config = Config::new(directory.path().join(format!("jobs-{number}.db")));
        let store = config.open(Registry::global()).await.unwrap();
        Arc::new(store) as Arc<dyn JobQueue>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads() {
    conformance::upload_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prekeys() {
    conformance::prekey_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invites() {
    conformance::invite_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes() {
    conformance::push_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applications() {
    conformance::app_store(stores).await;
}

/// A file that is not there yet.
struct File(tempfile::TempDir, Arc<MemoryBlobs>);

impl File {
    fn config(&self) -> Config {
        Config {
            idempotency_window: IDEMPOTENCY_WINDOW,
            ..Config::new(self.0.path().join("store.db"))
        }
    }
}

#[async_trait]
impl Movable for File {
    async fn open(&self) -> Result<Opened, String> {
        let store = self.config().open(Registry::global()).await;
        let store = Arc::new(store.map_err(|error| error.to_string())?);
        let closed = store.clone();
        Ok(Opened {
            stores: Stores::of(store.clone()),
            jobs: store,
            blobs: self.1.clone(),
            close: Box::new(move || Box::pin(async move { closed.close().await })),
        })
    }

    async fn export(&self) -> Box<dyn Export> {
        Box::new(self.config().export_beside().await.unwrap())
    }

    async fn import(&self) -> Box<dyn Import> {
        Box::new(self.config().import().await.unwrap())
    }

    async fn blobs(&self) -> Arc<dyn BlobStore> {
        self.1.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer() {
    let make = async || Box::new(File(tempfile::tempdir().unwrap(), Arc::default())) as _;
    conformance::transfer(make, make).await;
}
