//! Whether the neighbours answer, and whether this node is stopping.

use crate::{
    logs::events,
    metrics::{HealthMetrics, Probe},
};
use campanile_metrics::standard::RuntimeMetrics;
use futures_util::future::BoxFuture;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// How long a neighbour may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the neighbours are probed.
const EVERY: Duration = Duration::from_secs(5);

/// Asks a neighbour something small; whether it answered.
pub type AskNeighbour = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// How to find out whether the neighbours answer.
pub struct Neighbours {
    /// Asks the store.
    pub store: AskNeighbour,
    /// Asks the bus.
    pub bus: AskNeighbour,
}

/// The health of this node.
pub struct Health {
    metrics: HealthMetrics,
    runtime: RuntimeMetrics,
    neighbours: Neighbours,
    draining: AtomicBool,
}

impl Health {
    /// The health of a node with these neighbours.
    pub fn new(metrics: HealthMetrics, runtime: RuntimeMetrics, neighbours: Neighbours) -> Self {
        Self { metrics, runtime, neighbours, draining: AtomicBool::new(false) }
    }

    /// Takes the node out of service.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether it is taken out of service.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// A handler or a task has panicked, and nothing else fell with it.
    pub fn panicked(&self) {
        self.runtime.panics.increment();
    }

    /// Asks the store something small; whether it answered.
    pub async fn probe_store(&self) -> bool {
        let is_up = timeout(PATIENCE, (self.neighbours.store)()).await.unwrap_or(false);
        self.metrics.probe_success.set(is_up, Probe::Storage);
        is_up
    }

    /// Asks the bus for its nodes; whether it answered.
    pub async fn probe_bus(&self) -> bool {
        let is_up = timeout(PATIENCE, (self.neighbours.bus)()).await.unwrap_or(false);
        self.metrics.probe_success.set(is_up, Probe::Broker);
        is_up
    }

    /// Probes the neighbours every few seconds; for the server to spawn.
    pub async fn watch(&self) {
        let mut ticks = tokio::time::interval(EVERY);
        let (mut store_was_up, mut bus_was_up) = (true, true);
        loop {
            ticks.tick().await;
            let (store, bus) = tokio::join!(self.probe_store(), self.probe_bus());
            match (store, store_was_up) {
                (false, _) => events::StoreDown {}.emit(),
                (true, false) => events::StoreUp {}.emit(),
                (true, true) => {}
            }
            match (bus, bus_was_up) {
                (false, _) => events::BusDown {}.emit(),
                (true, false) => events::BusUp {}.emit(),
                (true, true) => {}
            }
            (store_was_up, bus_was_up) = (store, bus);
        }
    }
}
