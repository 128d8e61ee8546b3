//! The store keeps every promise of its ports, in a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use async_trait::async_trait;
use campanile_adapter_postgres::{Config, PostgresStore};
use campanile_conformance::{self as conformance, IDEMPOTENCY_WINDOW, Movable, Opened, Stores};
use campanile_core::port::{BlobStore, Export, Import, JobQueue};
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
    invites by conformance::invite_store;
    pushes by conformance::push_store;
    applications by conformance::app_store;
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

/// A database that is empty at first.
struct Database(String);

impl Database {
    fn config(&self) -> Config {
        let connections_max = 4;
        let idempotency_window = IDEMPOTENCY_WINDOW;
        Config { idempotency_window, connections_max, ..Config::new(&self.0) }
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
        Box::new(self.config().export_beside(Registry::global()).await.unwrap())
    }

    async fn import(&self) -> Box<dyn Import> {
        Box::new(self.config().import(Registry::global()).await.unwrap())
    }

    async fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::new(self.config().blobs(Registry::global()).await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn transfer() {
    let server = Server::start();
    let make = async || Box::new(Database(server.database())) as _;
    conformance::transfer(make, make).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: cargo xtask test"]
async fn transfer_through_a_pooler() {
    let server = Server::behind_pooler();
    let make = async || Box::new(Database(server.database())) as _;
    conformance::transfer(make, make).await;
}
