//! The adapters behind the ports, by URL.

use crate::{beside::AskChanged, config::Config, health::AskNeighbour};
use campanile_adapter_file as file;
use campanile_adapter_memory::{
    MemoryBlobs, MemoryHub, MemoryPresence, MemoryRateLimiter, MemoryStore, SystemClock,
};
use campanile_adapter_sqlite as sqlite;
use campanile_core::{
    chat::Ports,
    limits::Limits,
    port::{
        AccountStore, BlobStore, Clock, MemberStore, MessageStore, Node, NodeId, PrekeyStore,
        ReceiptStore, RoomStore, SessionStore, UploadStore,
    },
};
use campanile_metrics::Registry;
use futures_util::future::BoxFuture;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which store is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// One file.
    Sqlite(PathBuf),
    /// Nothing that lasts.
    Memory,
}

/// Which bus is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusKind {
    /// This process alone.
    Memory,
}

/// Why an adapter cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The URL names none.
    #[error("setting {key}: there is no adapter for {url:?}; there is {known}")]
    Unknown {
        /// The setting.
        key: &'static str,
        /// What it is.
        url: String,
        /// What it could be.
        known: &'static str,
    },
    /// The file cannot be the store.
    #[error(transparent)]
    Sqlite(#[from] sqlite::OpenError),
    /// The directory cannot hold uploads.
    #[error(transparent)]
    Blobs(#[from] file::OpenError),
}

/// Finishes what was accepted and lets go of the store.
pub type CloseStore = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// The ports with what is behind them.
pub struct Adapters {
    /// The ports, not measured yet.
    pub ports: Ports,
    /// Asks the store whether it can be used.
    pub ask_store: AskNeighbour,
    /// Asks the store whether another process has changed it, where one can.
    pub ask_changed: Option<AskChanged>,
    /// Ends the store.
    pub close_store: CloseStore,
}

impl StoreKind {
    /// The store that the URL names.
    pub fn of(config: &Config) -> Result<Self, AdapterError> {
        let url = config.store_url();
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(path.into()));
        }
        match url.as_str() {
            "memory:" => Ok(Self::Memory),
            _ => Err(AdapterError::Unknown {
                key: "store.url",
                url,
                known: "sqlite://FILE, and memory: for tests",
            }),
        }
    }

    /// Its name, in labels and for operators.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Memory => "memory",
        }
    }

    /// The name of what holds the bytes of uploads beside it.
    pub fn blobs_name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "file",
            Self::Memory => "memory",
        }
    }
}

impl BusKind {
    /// The bus that the URL names.
    pub fn of(config: &Config) -> Result<Self, AdapterError> {
        match config.bus.url.as_str() {
            "memory:" => Ok(Self::Memory),
            url => {
                Err(AdapterError::Unknown { key: "bus.url", url: url.to_owned(), known: "memory:" })
            }
        }
    }

    /// Its name, in labels and for operators.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
        }
    }
}

/// Opens everything that is behind the ports of this node. A store that lasts has the bytes of
/// uploads in the directory `uploads`.
pub async fn open(
    (store, bus): (&StoreKind, BusKind),
    (limits, uploads): (&Limits, &Path),
    (node, name): (NodeId, &str),
    registry: &Registry,
) -> Result<Adapters, AdapterError> {
    let clock = Arc::new(SystemClock::new());
    let bus = match bus {
        BusKind::Memory => {
            let version = env!("CARGO_PKG_VERSION");
            MemoryHub::new().join(Node::new(node, name, version, clock.now()))
        }
    };
    let beside = Beside { clock, bus: Arc::new(bus) };
    match store {
        StoreKind::Sqlite(path) => {
            let store = Arc::new(sqlite_config(path, limits).open(registry).await?);
            let (asked, shared, closed) = (store.clone(), store.clone(), store.clone());
            Ok(Adapters {
                ports: beside.ports(store, Arc::new(file::FileBlobs::open(uploads)?)),
                ask_store: Box::new(move || {
                    let store = asked.clone();
                    Box::pin(async move { store.probe().await.is_ok() })
                }),
                ask_changed: Some(Box::new(move || {
                    let store = shared.clone();
                    Box::pin(async move { store.changed_elsewhere().await.unwrap_or(false) })
                })),
                close_store: Box::new(move || Box::pin(async move { closed.close().await })),
            })
        }
        StoreKind::Memory => {
            let store = Arc::new(MemoryStore::new(limits.idempotency_window));
            Ok(Adapters {
                ports: beside.ports(store, Arc::new(MemoryBlobs::default())),
                ask_store: Box::new(|| Box::pin(async { true })),
                ask_changed: None,
                close_store: Box::new(|| Box::pin(async {})),
            })
        }
    }
}

/// How the file is opened with these limits.
pub fn sqlite_config(path: &Path, limits: &Limits) -> sqlite::Config {
    let mut config = sqlite::Config::new(path);
    config.idempotency_window = limits.idempotency_window;
    config.reactions_per_message_max = limits.reactions_per_message_max;
    config
}

/// What stands beside the store.
struct Beside {
    clock: Arc<SystemClock>,
    bus: Arc<campanile_adapter_memory::MemoryBus>,
}

impl Beside {
    fn ports<S>(self, store: Arc<S>, blobs: Arc<dyn BlobStore>) -> Ports
    where
        S: AccountStore
            + SessionStore
            + RoomStore
            + MemberStore
            + MessageStore
            + ReceiptStore
            + UploadStore
            + PrekeyStore
            + 'static,
    {
        Ports {
            accounts: store.clone(),
            sessions: store.clone(),
            rooms: store.clone(),
            members: store.clone(),
            messages: store.clone(),
            receipts: store.clone(),
            uploads: store.clone(),
            prekeys: store,
            blobs,
            presence: Arc::new(MemoryPresence::default()),
            bus: self.bus,
            limiter: Arc::new(MemoryRateLimiter::new(self.clock.clone())),
            clock: self.clock,
        }
    }
}
