//! A bus inside one process.

use async_trait::async_trait;
use campanile_core::{
    event::Signal,
    port::{Bus, BusError, BusReceiver, Node, NodeId},
    time::Timestamp,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::broadcast;

/// Signals that a receiver may be behind before it loses some.
const SIGNALS_KEPT: usize = 16 * 1024;

/// What the nodes of one process share. With one node, publishing is counted and goes nowhere.
#[derive(Clone)]
pub struct MemoryHub {
    inner: Arc<Hub>,
}

struct Hub {
    sender: broadcast::Sender<(NodeId, Arc<Signal>)>,
    nodes: Mutex<Vec<Node>>,
    joined: AtomicUsize,
}

/// One node's end of the hub. The node is part of the cluster until this is dropped.
pub struct MemoryBus {
    hub: Arc<Hub>,
    node: NodeId,
}

struct Receiver {
    signals: broadcast::Receiver<(NodeId, Arc<Signal>)>,
    node: NodeId,
}

impl MemoryHub {
    /// A hub without nodes.
    pub fn new() -> Self {
        let (sender, _) = broadcast::channel(SIGNALS_KEPT);
        let nodes = Mutex::default();
        Self {
            inner: Arc::new(Hub {
                sender,
                nodes,
                joined: AtomicUsize::new(0),
            }),
        }
    }

    /// A node joins.
    pub fn join(&self, node: NodeId, version: &str, since: Timestamp) -> MemoryBus {
        let version = version.to_owned();
        self.inner.nodes().push(Node {
            id: node,
            version,
            since,
        });
        self.inner.joined.fetch_add(1, Ordering::Relaxed);
        MemoryBus {
            hub: self.inner.clone(),
            node,
        }
    }
}

impl Default for MemoryHub {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError> {
        if self.hub.joined.load(Ordering::Relaxed) > 1 {
            // Nobody subscribes: then nobody is to hear it.
            let _receivers = self.hub.sender.send((self.node, signal));
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        Ok(Box::new(Receiver {
            signals: self.hub.sender.subscribe(),
            node: self.node,
        }))
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        Ok(self.hub.nodes().clone())
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        self.hub.nodes().retain(|node| node.id != self.node);
        self.hub.joined.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl BusReceiver for Receiver {
    async fn receive(&mut self) -> Option<Arc<Signal>> {
        loop {
            match self.signals.recv().await {
                Ok((node, _)) if node == self.node => {}
                Ok((_, signal)) => return Some(signal),
                // What was lost shows as a gap, and is read from the store.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
