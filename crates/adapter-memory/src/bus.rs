//! The bus within one process: nothing to do for a single node, a hub for several in a test.

use async_trait::async_trait;
use campanile_core::{
    event::{Envelope, Signal, Topic},
    port::{Bus, BusError, BusReceiver, Heard, Mark, Node, NodeId, Passage, Underway},
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
    sender: mpsc::Sender<Heard>,
    missed: Arc<AtomicBool>,
}

struct Receiver {
    heard: mpsc::Receiver<Heard>,
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

impl Seat {
    fn hear(&self, heard: Heard) -> Result<(), BusError> {
        let Some(inbox) = &self.inbox else {
            return Ok(());
        };
        match inbox.sender.try_send(heard) {
            Err(mpsc::error::TrySendError::Full(_)) => {
                inbox.missed.store(true, Ordering::Release);
                Err(BusError::Overflow)
            }
            _ => Ok(()),
        }
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
        let mut took = Ok(());
        let seats = self.hub.seats();
        for seat in seats.iter().filter(|seat| seat.node.id != self.node) {
            took = took.and(seat.hear(Heard::Signal(signal.clone(), None)));
        }
        took
    }

    async fn publish_in_order(&self, envelope: Arc<Envelope>) -> Result<Passage, BusError> {
        if self.hub.seats().iter().all(|seat| seat.node.id == self.node) {
            return Ok(Passage::Alone);
        }
        let (underway, returned, takes) = Underway::new(envelope);
        let mut took = Ok(());
        // One after the other: who comes first is first for everybody.
        let seats = self.hub.seats_mut();
        for seat in seats.iter() {
            let heard = if seat.node.id == self.node {
                Heard::Own(returned.clone())
            } else {
                Heard::Signal(returned.envelope.signal.clone(), None)
            };
            took = took.and(seat.hear(heard));
        }
        took?;
        // Whoever publishes has the other end.
        let _ = takes.send(());
        Ok(Passage::Underway(underway))
    }

    async fn mark(&self, _topic: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        let mark = Arc::new(Mark::default());
        // What has arrived is in the inbox.
        let seats = self.hub.seats_mut();
        match seats.iter().find(|seat| seat.node.id == self.node && seat.inbox.is_some()) {
            Some(seat) if seats.len() > 1 => seat.hear(Heard::Mark(mark.clone()))?,
            _ => mark.is_void(),
        }
        Ok(mark)
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        let (sender, heard) = mpsc::channel(WAITING_SIGNALS_MAX);
        let missed = Arc::new(AtomicBool::new(false));
        let mut seats = self.hub.seats_mut();
        if let Some(seat) = seats.iter_mut().find(|seat| seat.node.id == self.node) {
            seat.inbox = Some(Inbox { sender, missed: missed.clone() });
        }
        Ok(Box::new(Receiver { heard, missed }))
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
        self.heard.recv().await
    }
}
