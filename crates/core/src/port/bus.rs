//! The bus between nodes.

use crate::{event::Signal, time::Timestamp};
use async_trait::async_trait;
use std::{fmt, sync::Arc};

/// A node's identity, new at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// Carries signals to the other nodes.
///
/// At most once: a signal may be lost, and readers heal a gap in the sequence from the store. The
/// signals that one node published arrive everywhere in the order in which they were published,
/// but for those lost. A node never receives its own.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Hands a signal to the other nodes.
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError>;

    /// The signals of the other nodes from now on. Once per node.
    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError>;

    /// The nodes that are alive, this one among them.
    async fn nodes(&self) -> Result<Vec<Node>, BusError>;
}

/// The receiving end of a bus.
#[async_trait]
pub trait BusReceiver: Send {
    /// The next signal; `None` when the bus has ended. Cancel-safe.
    async fn receive(&mut self) -> Option<Arc<Signal>>;
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which.
    pub id: NodeId,
    /// Its version.
    pub version: String,
    /// Since when it is part of the cluster.
    pub since: Timestamp,
}

/// Why the bus did not carry.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// It cannot be reached.
    #[error("the bus cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More is published than it carries.
    #[error("the bus is full")]
    Overflow,
}
