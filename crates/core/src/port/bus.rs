//! The bus between nodes.

use crate::{
    event::{Envelope, Signal, Topic},
    time::Timestamp,
};
use async_trait::async_trait;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, SetOnce, oneshot},
    time::timeout,
};

/// How long whoever publishes in order waits until this node was told, once the others are sure to
/// be. It is longer only where this node does not hear, which it says as [`Heard::Missed`].
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// How long it is waited for a bus that says neither that it has a signal nor that it has lost it, as
/// one that has ended: longer than any holds a signal.
const TAKEN_WITHIN: Duration = Duration::from_secs(15);

/// A node's identity, new at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// Carries signals to the other nodes, and knows which there are.
///
/// At most once: a signal may be lost, but never in silence. Where one may have been, the receiver
/// hears [`Heard::Missed`] within a second of when it can be known, and while the bus is away again
/// each second: what this node shows is then compared with the store. The signals of one node that
/// have the same [`Signal::topic`] arrive everywhere in the order in which they were published, but
/// for those lost. A node receives none of its own but those published in order.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Hands a signal to the other nodes.
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError>;

    /// Hands a signal to all nodes in one order: every node, this one among them, hears those that
    /// have the same [`Signal::topic`] in the same order, whoever published them, but for those
    /// lost. What is handed over after another was, on the same node, or has arrived, on any, comes
    /// after it.
    async fn publish_in_order(&self, envelope: Arc<Envelope>) -> Result<Passage, BusError>;

    /// Marks the order of a topic: what has arrived before this call, on any node, is heard here before
    /// the mark, which no other node hears.
    async fn mark(&self, topic: Topic<'_>) -> Result<Arc<Mark>, BusError>;

    /// The signals of the other nodes from now on. Once per node.
    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError>;

    /// The nodes of the cluster by name, this one among them: those that are alive, and those that
    /// went within the last hour without having left.
    async fn nodes(&self) -> Result<Vec<Node>, BusError>;

    /// Leaves the cluster: the others list this node no longer.
    async fn leave(&self) -> Result<(), BusError>;
}

/// The receiving end of a bus.
#[async_trait]
pub trait BusReceiver: Send {
    /// What comes next; `None` when the bus has ended. Cancel-safe.
    async fn receive(&mut self) -> Option<Heard>;
}

/// How what was published in order comes to this node.
#[derive(Debug)]
pub enum Passage {
    /// There is no other node: whoever has published tells this one.
    Alone,
    /// It is heard here as it is elsewhere, as [`Heard::Own`].
    Underway(Underway),
}

/// A signal on its way to all nodes.
#[derive(Debug)]
pub struct Underway {
    taken: oneshot::Receiver<()>,
    returned: Arc<Returned>,
}

/// A signal of this node that has its place in the order.
#[derive(Debug)]
pub struct Returned {
    /// As it was handed over.
    pub envelope: Arc<Envelope>,
    told: Notify,
}

/// A mark in the order of a topic, on its way to the node that has set it.
#[derive(Debug, Default)]
pub struct Mark(SetOnce<Option<u64>>);

/// What a node hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A signal of another node, and how long it was under way, where the bus can tell.
    Signal(Arc<Signal>, Option<Duration>),
    /// A signal of this node, published in order.
    Own(Arc<Returned>),
    /// A mark of this node: what was to be heard before it was heard.
    Mark(Arc<Mark>),
    /// Signals may have been lost before this.
    Missed,
}

impl Underway {
    /// A signal on its way; what is to be heard when it comes back; and the word that the bus has
    /// it. When that is dropped unsaid the bus has lost it.
    pub fn new(envelope: Arc<Envelope>) -> (Self, Arc<Returned>, oneshot::Sender<()>) {
        let (takes, taken) = oneshot::channel();
        let returned = Arc::new(Returned { envelope, told: Notify::new() });
        (Self { taken, returned: returned.clone() }, returned, takes)
    }

    /// Waits until the bus has it, and then a little until this node was told.
    pub async fn arrived(self) -> Result<(), BusError> {
        let taken = timeout(TAKEN_WITHIN, self.taken).await;
        taken.map_err(|_| BusError::Timeout)?.map_err(|_lost| BusError::Timeout)?;
        let _late = timeout(TOLD_WITHIN, self.returned.told.notified()).await;
        Ok(())
    }
}

impl Returned {
    /// Says that this node was told, or will not be.
    pub fn is_told(&self) {
        self.told.notify_one();
    }
}

impl Mark {
    /// Says that it was heard, and how many signals this node had heard then; the first word counts.
    pub fn is_heard(&self, after: u64) {
        let _repeated = self.0.set(Some(after));
    }

    /// Says that it is not heard any more, or that nothing can come before it: there is no other node.
    pub fn is_void(&self) {
        let _repeated = self.0.set(None);
    }

    /// Waits until it is heard; what was said then. `None` where it is void, or not heard for long.
    pub async fn heard(&self) -> Option<u64> {
        *timeout(TOLD_WITHIN, self.0.wait()).await.unwrap_or(&None)
    }
}

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl PartialEq for Returned {
    fn eq(&self, other: &Self) -> bool {
        self.envelope == other.envelope
    }
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which, since its last start.
    pub id: NodeId,
    /// Its name, which stays the same over restarts.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Since when it is part of the cluster.
    pub since: Timestamp,
    /// Whether it is heard of; otherwise it is missed.
    pub alive: bool,
}

impl Node {
    /// A node that has just started.
    pub fn new(id: NodeId, name: &str, version: &str, since: Timestamp) -> Self {
        Self { id, name: name.to_owned(), version: version.to_owned(), since, alive: true }
    }
}

/// Why the bus did not carry.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// It cannot be reached.
    #[error("the bus cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the bus did not answer in time")]
    Timeout,
    /// It does not let this node in.
    #[error("the bus refuses this node")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The signal is too long to be carried.
    #[error("the signal has {bytes} bytes, and the bus carries at most {max}")]
    TooLong {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// More is published than it carries.
    #[error("the bus is full")]
    Overflow,
}
