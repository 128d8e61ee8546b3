//! The bus within one process: nothing to do for a single node, a hub for several in a test.

use async_trait::async_trait;
use campanile_core::{
    event::Signal,
    port::{Bus, BusError, BusReceiver, Node, NodeId},
    time::Timestamp,
};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::mpsc;

/// Signals that may wait for one node; further ones are lost to it, and the publisher hears so.
const WAITING_SIGNALS_MAX: usize = 64 * 1024;

/// What the nodes of one process share. With one node, publishing goes nowhere.
#[derive(Clone, Debug, Default)]
pub struct MemoryHub {
    seats: Arc<RwLock<Vec<Seat>>>,
}

/// One node's end of the hub. The node is part of the cluster, and its receiver receives, until
/// this is dropped.
#[derive(Debug)]
pub struct MemoryBus {
    node: NodeId,
    hub: MemoryHub,
}

#[derive(Debug)]
struct Seat {
    node: Node,
    inbox: Option<mpsc::Sender<Arc<Signal>>>,
}

struct Receiver(mpsc::Receiver<Arc<Signal>>);

impl MemoryHub {
    /// A hub without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A node joins.
    pub fn join(&self, node: NodeId, version: &str, since: Timestamp) -> MemoryBus {
        let hub = self.clone();
        hub.seats_mut().push(Seat {
            node: Node { id: node, version: version.to_owned(), since },
            inbox: None,
        });
        MemoryBus { node, hub }
    }

    fn seats(&self) -> RwLockReadGuard<'_, Vec<Seat>> {
        self.seats.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn seats_mut(&self) -> RwLockWriteGuard<'_, Vec<Seat>> {
        self.seats.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        self.hub.seats_mut().retain(|seat| seat.node.id != self.node);
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError> {
        let mut overflowed = false;
        let seats = self.hub.seats();
        for seat in seats.iter().filter(|seat| seat.node.id != self.node) {
            if let Some(inbox) = &seat.inbox {
                let sent = inbox.try_send(signal.clone());
                overflowed |= matches!(sent, Err(mpsc::error::TrySendError::Full(_)));
            }
        }
        if overflowed {
            return Err(BusError::Overflow);
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        let (inbox, receiver) = mpsc::channel(WAITING_SIGNALS_MAX);
        let mut seats = self.hub.seats_mut();
        if let Some(seat) = seats.iter_mut().find(|seat| seat.node.id == self.node) {
            seat.inbox = Some(inbox);
        }
        Ok(Box::new(Receiver(receiver)))
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        let seats = self.hub.seats();
        Ok(seats.iter().map(|seat| seat.node.clone()).collect())
    }
}

#[async_trait]
impl BusReceiver for Receiver {
    async fn receive(&mut self) -> Option<Arc<Signal>> {
        self.0.recv().await
    }
}
