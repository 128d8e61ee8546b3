//! The adapters behind the ports, by URL.

mod kind;
mod store;
mod beside;
mod bus;
mod limiter;

pub use beside::{Administration, LookedAt, look_at_bus, look_at_store};
pub use kind::{BusKind, StoreKind};

use super::push;
use crate::{beside::AskChanged, config::Config, health::AskNeighbour};
use bus::Between;
use campanile_adapter_file as file;
use campanile_adapter_memory::SystemClock;
use campanile_adapter_postgres as postgres;
use campanile_adapter_redis as redis;
use campanile_adapter_sqlite as sqlite;
use campanile_core::{
    chat::Ports,
    instrumented::{Behind, InstrumentedCache},
    port::{Cache, NodeId},
};
use campanile_metrics::Registry;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use store::Kept;

/// Why an adapter cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The URL names none. The rest of it may be a secret.
    #[error("setting {key}: there is no adapter for {scheme:?}; there is {known}")]
    Unknown {
        /// The setting.
        key: &'static str,
        /// What its URL begins with.
        scheme: String,
        /// What it could begin with.
        known: &'static str,
    },
    /// Nodes that share a bus share a store.
    #[error(
        "setting bus.url: nodes on one bus share a store, and this one has its own ({store}): set store.url to postgres://…"
    )]
    Alone {
        /// What the store is.
        store: &'static str,
    },
    /// Several nodes need a bus.
    #[error(
        "setting bus.url: {nodes} nodes (cluster.nodes) hear of one another over redis://…, not memory:"
    )]
    Deaf {
        /// How many there are to be.
        nodes: usize,
    },
    /// The file cannot be the store.
    #[error(transparent)]
    Sqlite(#[from] sqlite::OpenError),
    /// The database cannot be the store.
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
    /// The bus cannot be had.
    #[error(transparent)]
    Redis(#[from] redis::ConnectError),
    /// Nobody can be notified.
    #[error(transparent)]
    Push(#[from] push::PushError),
    /// The directory cannot hold uploads.
    #[error(transparent)]
    Blobs(#[from] file::OpenError),
}

/// Finishes what was accepted and lets go of a neighbour.
pub type Close = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// The ports with what is behind them.
pub struct Adapters {
    /// The ports: measured, with a cache before them where nodes share one, and with equal
    /// readings made once.
    pub ports: Ports,
    /// Asks the store whether it can be used.
    pub ask_store: AskNeighbour,
    /// Asks the store whether sessions may have ended without this node's hearing of it.
    pub ask_changed: Option<AskChanged>,
    /// Ends the store.
    pub close_store: Close,
    /// Ends the bus, and what else connects the nodes.
    pub close_bus: Close,
}

/// Opens everything that is behind the ports of this node.
pub async fn open(
    (store, bus): (&StoreKind, &BusKind),
    config: &Config,
    node: NodeId,
    registry: &Registry,
) -> Result<Adapters, AdapterError> {
    kind::check(store, bus, config.cluster.nodes)?;
    let clock = Arc::new(SystemClock::new());
    let push_service = push::open(config, store, clock.clone())?;
    let between = Between::open(bus, config, (node, clock.clone()), registry).await?;
    let kept = match Kept::open(store, config, registry).await {
        Ok(kept) => kept,
        Err(error) => {
            // The others are not to miss a node that never was.
            (between.close)().await;
            return Err(error);
        }
    };
    let ports = Ports {
        accounts: kept.stores.accounts,
        sessions: kept.stores.sessions,
        rooms: kept.stores.rooms,
        members: kept.stores.members,
        messages: kept.stores.messages,
        receipts: kept.stores.receipts,
        uploads: kept.stores.uploads,
        prekeys: kept.stores.prekeys,
        invites: kept.stores.invites,
        pushes: kept.stores.pushes,
        apps: kept.stores.apps,
        jobs: kept.stores.jobs,
        push_service,
        webhooks: None,
        blobs: kept.stores.blobs,
        presence: between.presence,
        channels: between.channels,
        bus: between.bus,
        limiter: between.limiter,
        answers: between.answers,
        clock: clock.clone(),
    };
    let ports = ports.instrumented(registry, behind(store, bus));
    let ports = match between.cache {
        None => ports,
        Some(cache) => {
            let cache: Arc<dyn Cache> = Arc::new(InstrumentedCache::new(cache, clock, registry));
            ports.cached(&cache)
        }
    };
    Ok(Adapters {
        ports: ports.coalesced(),
        ask_store: kept.ask,
        ask_changed: kept.ask_changed,
        close_store: kept.close,
        close_bus: between.close,
    })
}

/// What is behind the ports, by name.
fn behind(store: &StoreKind, bus: &BusKind) -> Behind<'static> {
    Behind { store: store.name(), blobs: store.blobs_name(), presence: bus.name(), bus: bus.name() }
}
