//! Whether the neighbours answer, and whether this node is stopping.

use crate::metrics::{HealthMetrics, Probe};
use campanile_core::{
    chat::Chat,
    instrumented::{Backend, Driver},
};
use campanile_metrics::standard::RuntimeMetrics;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// How long the store may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the neighbours are probed.
const EVERY: Duration = Duration::from_secs(5);

/// The health of this node.
pub struct Health {
    metrics: HealthMetrics,
    runtime: RuntimeMetrics,
    store: Backend,
    bus: Driver,
    draining: AtomicBool,
}

impl Health {
    /// The health of a node over this store and bus.
    pub fn new(
        metrics: HealthMetrics,
        runtime: RuntimeMetrics,
        (store, bus): (Backend, Driver),
    ) -> Self {
        Self { metrics, runtime, store, bus, draining: AtomicBool::new(false) }
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
    pub async fn probe_store(&self, chat: &Chat) -> bool {
        let answer = timeout(PATIENCE, chat.ports().accounts.count()).await;
        let is_up = matches!(answer, Ok(Ok(_)));
        self.metrics.storage_up.set(is_up, self.store);
        self.metrics.probe_success.set(is_up, Probe::Storage);
        is_up
    }

    /// Asks the bus for its nodes; whether it answered.
    pub async fn probe_bus(&self, chat: &Chat) -> bool {
        let answer = timeout(PATIENCE, chat.ports().bus.nodes()).await;
        let is_up = matches!(answer, Ok(Ok(_)));
        self.metrics.broker_up.set(is_up, self.bus);
        self.metrics.probe_success.set(is_up, Probe::Broker);
        is_up
    }

    /// Probes the neighbours every few seconds; for the server to spawn.
    pub async fn watch(&self, chat: &Chat) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            let (store, bus) = tokio::join!(self.probe_store(chat), self.probe_bus(chat));
            if !store {
                tracing::error!("the store does not answer");
            }
            if !bus {
                tracing::error!("the bus does not answer");
            }
        }
    }
}
