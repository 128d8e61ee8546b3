//! The store keeps every promise of its ports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use campanile_adapter_sqlite::Config;
use campanile_conformance::{self as conformance, IDEMPOTENCY_WINDOW, Stores};
use campanile_core::port::JobQueue;
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
