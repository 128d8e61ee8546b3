//! The store keeps every promise of its ports, in a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_postgres::{Config, PostgresStore};
use campanile_conformance::{self as conformance, IDEMPOTENCY_WINDOW, Stores};
use campanile_core::port::{BlobStore, JobQueue};
use campanile_metrics::Registry;
use std::sync::Arc;
use support::Server;

async fn store(server: &Server) -> Arc<PostgresStore> {
    let config = Config {
        idempotency_window: IDEMPOTENCY_WINDOW,
        connections_max: 4,
        ..Config::new(server.database())
    };
    Arc::new(config.connect(Registry::global()).await.unwrap())
}

macro_rules! proves {
    ($($name:ident by $prove:path;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        #[ignore = "needs PostgreSQL: cargo xtask test"]
        async fn $name() {
            let server = Server::start();
            $prove(async || Stores::of(store(&server).await)).await;
        }
    )+};
}

proves! {
    accounts by conformance::account_store;
    sessions by conformance::session_store;
    rooms by conformance::room_store;
    members by conformance::member_store;
    messages by conformance::message_store;
    receipts by conformance::receipt_store;
    uploads by conformance::upload_store;
    prekeys by conformance::prekey_store;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn blobs() {
    let server = Server::start();
    conformance::blob_store(async || store(&server).await as Arc<dyn BlobStore>).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn job_queue() {
    let server = Server::start();
    conformance::job_queue(async || store(&server).await as Arc<dyn JobQueue>).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: cargo xtask test"]
async fn messages_through_a_pooler() {
    let server = Server::behind_pooler();
    conformance::message_store(async || Stores::of(store(&server).await)).await;
}
