//! The bus within one process: nothing to do for a single node, a hub for several in a test.

use async_trait::async_trait;
use campanile_core::{
    event::Signal,
    port::{Bus, BusError, BusReceiver, Heard, Node, NodeId},
};
use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, Ordering},
};
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
    inbox: Option<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    sender: mpsc::Sender<Arc<Signal>>,
    missed: Arc<AtomicBool>,
}

struct Receiver {
    signals: mpsc::Receiver<Arc<Signal>>,
    missed: Arc<AtomicBool>,
}

impl MemoryHub {
    /// A hub without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A node joins; one of the same name that was there before is gone.
    pub fn join(&self, node: Node) -> MemoryBus {
        let (id, hub) = (node.id, self.clone());
        let mut seats = hub.seats_mut();
        seats.retain(|seat| seat.node.name != node.name);
        seats.push(Seat { node, inbox: None });
        drop(seats);
        MemoryBus { node: id, hub }
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
                let sent = inbox.sender.try_send(signal.clone());
                if matches!(sent, Err(mpsc::error::TrySendError::Full(_))) {
                    inbox.missed.store(true, Ordering::Release);
                    overflowed = true;
                }
            }
        }
        if overflowed {
            return Err(BusError::Overflow);
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        let (sender, signals) = mpsc::channel(WAITING_SIGNALS_MAX);
        let missed = Arc::new(AtomicBool::new(false));
        let mut seats = self.hub.seats_mut();
        if let Some(seat) = seats.iter_mut().find(|seat| seat.node.id == self.node) {
            seat.inbox = Some(Inbox { sender, missed: missed.clone() });
        }
        Ok(Box::new(Receiver { signals, missed }))
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        let seats = self.hub.seats();
        let mut nodes: Vec<_> = seats.iter().map(|seat| seat.node.clone()).collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(nodes)
    }

    async fn leave(&self) -> Result<(), BusError> {
        self.hub.seats_mut().retain(|seat| seat.node.id != self.node);
        Ok(())
    }
}

#[async_trait]
impl BusReceiver for Receiver {
    async fn receive(&mut self) -> Option<Heard> {
        if self.missed.swap(false, Ordering::Acquire) {
            return Some(Heard::Missed);
        }
        Some(Heard::Signal(self.signals.recv().await?, None))
    }
}
