//! What keeps everything.

use super::{AdapterError, Close, StoreKind};
use crate::{beside::AskChanged, config::Config, health::AskNeighbour};
use campanile_adapter_file::FileBlobs;
use campanile_adapter_memory::{MemoryBlobs, MemoryJobs, MemoryStore};
use campanile_adapter_postgres as postgres;
use campanile_adapter_sqlite as sqlite;
use campanile_core::port::{
    AccountStore, AppStore, BlobStore, InviteStore, JobQueue, MemberStore, MessageStore,
    PrekeyStore, PushStore, ReceiptStore, RoomStore, SessionStore, UploadStore,
};
use campanile_metrics::Registry;
use std::{path::Path, sync::Arc, time::Duration};

/// A store that is open.
pub(super) struct Kept {
    pub(super) stores: Stores,
    pub(super) ask: AskNeighbour,
    pub(super) ask_changed: Option<AskChanged>,
    pub(super) close: Close,
}

/// The ports of a store.
pub(super) struct Stores {
    pub(super) accounts: Arc<dyn AccountStore>,
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) rooms: Arc<dyn RoomStore>,
    pub(super) members: Arc<dyn MemberStore>,
    pub(super) messages: Arc<dyn MessageStore>,
    pub(super) receipts: Arc<dyn ReceiptStore>,
    pub(super) uploads: Arc<dyn UploadStore>,
    pub(super) prekeys: Arc<dyn PrekeyStore>,
    pub(super) invites: Arc<dyn InviteStore>,
    pub(super) pushes: Arc<dyn PushStore>,
    pub(super) apps: Arc<dyn AppStore>,
    pub(super) jobs: Arc<dyn JobQueue>,
    pub(super) blobs: Arc<dyn BlobStore>,
}

impl Kept {
    /// Opens the store. One in a file has the bytes of uploads in a directory beside it.
    pub(super) async fn open(
        kind: &StoreKind,
        config: &Config,
        registry: &Registry,
    ) -> Result<Self, AdapterError> {
        match kind {
            StoreKind::Sqlite(path) => Self::sqlite(path, config, registry).await,
            StoreKind::Postgres => Self::postgres(config, registry).await,
            StoreKind::Memory => Ok(Self::memory(config)),
        }
    }

    async fn sqlite(
        path: &Path,
        config: &Config,
        registry: &Registry,
    ) -> Result<Self, AdapterError> {
        let store = Arc::new(sqlite_config(path, config).open(registry).await?);
        let blobs = FileBlobs::open(&config.uploads_dir())?;
        let (asked, shared, closed) = (store.clone(), store.clone(), store.clone());
        Ok(Self {
            stores: Stores::of(store.clone(), store, Arc::new(blobs)),
            ask: Box::new(move || {
                let store = asked.clone();
                Box::pin(async move { store.probe().await.is_ok() })
            }),
            ask_changed: Some(Box::new(move || {
                let store = shared.clone();
                Box::pin(async move { store.changed_elsewhere().await.unwrap_or(false) })
            })),
            close: Box::new(move || Box::pin(async move { closed.close().await })),
        })
    }

    async fn postgres(config: &Config, registry: &Registry) -> Result<Self, AdapterError> {
        let store = Arc::new(postgres_config(config).connect(registry).await?);
        let (asked, shared, closed) = (store.clone(), store.clone(), store.clone());
        Ok(Self {
            stores: Stores::of(store.clone(), store.clone(), store),
            ask: Box::new(move || {
                let store = asked.clone();
                Box::pin(async move { store.probe().await.is_ok() })
            }),
            ask_changed: Some(Box::new(move || {
                let store = shared.clone();
                Box::pin(async move { store.sessions_ended().await.unwrap_or(false) })
            })),
            close: Box::new(move || Box::pin(async move { closed.close().await })),
        })
    }

    fn memory(config: &Config) -> Self {
        let store = MemoryStore::new(config.limits.to_core().idempotency_window);
        Self {
            stores: Stores::of(
                Arc::new(store),
                Arc::new(MemoryJobs::default()),
                Arc::new(MemoryBlobs::default()),
            ),
            ask: Box::new(|| Box::pin(async { true })),
            ask_changed: None,
            close: Box::new(|| Box::pin(async {})),
        }
    }
}

impl Stores {
    fn of<S>(store: Arc<S>, jobs: Arc<dyn JobQueue>, blobs: Arc<dyn BlobStore>) -> Self
    where
        S: AccountStore
            + SessionStore
            + RoomStore
            + MemberStore
            + MessageStore
            + ReceiptStore
            + UploadStore
            + PrekeyStore
            + InviteStore
            + PushStore
            + AppStore
            + 'static,
    {
        Self {
            accounts: store.clone(),
            sessions: store.clone(),
            rooms: store.clone(),
            members: store.clone(),
            messages: store.clone(),
            receipts: store.clone(),
            uploads: store.clone(),
            prekeys: store.clone(),
            invites: store.clone(),
            pushes: store.clone(),
            apps: store,
            jobs,
            blobs,
        }
    }
}

/// How a file is opened with these settings.
pub(super) fn sqlite_config(path: &Path, config: &Config) -> sqlite::Config {
    let limits = config.limits.to_core();
    sqlite::Config {
        idempotency_window: limits.idempotency_window,
        reactions_per_message_max: limits.reactions_per_message_max,
        ..sqlite::Config::new(path)
    }
}

/// How a database is connected to with these settings.
pub(super) fn postgres_config(config: &Config) -> postgres::Config {
    let (limits, store) = (config.limits.to_core(), &config.store);
    postgres::Config {
        password: store.password.as_ref().map(|password| password.reveal().to_owned()),
        application_name: format!("campanile {}", config.node_name()),
        idempotency_window: limits.idempotency_window,
        reactions_per_message_max: limits.reactions_per_message_max,
        connections_max: store.connections_max,
        connection_wait_max: Duration::from_secs_f64(store.wait_seconds),
        statement_timeout: Duration::from_secs_f64(store.statement_seconds),
        slow_after: Duration::from_secs_f64(store.slow_seconds),
        ..postgres::Config::new(config.store_url())
    }
}
