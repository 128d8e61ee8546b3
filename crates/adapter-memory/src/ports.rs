//! Every port of one node, all in memory: for tests and examples.

use crate::{
    MemoryAnswers, MemoryBlobs, MemoryChannels, MemoryHub, MemoryJobs, MemoryPresence,
    MemoryRateLimiter, MemoryStore,
};
use campanile_core::{
    chat::Ports,
    port::{Clock, Node, NodeId},
};
use std::{sync::Arc, time::Duration};

/// The ports of a node that is alone in the world. Its store is empty and remembers idempotency
/// keys for `idempotency_window`.
pub fn ports(clock: Arc<dyn Clock>, idempotency_window: Duration) -> Ports {
    let store = Arc::new(MemoryStore::new(idempotency_window));
    Ports {
        accounts: store.clone(),
        sessions: store.clone(),
        rooms: store.clone(),
        members: store.clone(),
        messages: store.clone(),
        receipts: store.clone(),
        uploads: store.clone(),
        prekeys: store.clone(),
        invites: store.clone(),
        pushes: store.clone(),
        apps: store,
        jobs: Arc::new(MemoryJobs::default()),
        push_service: None,
        webhooks: None,
        blobs: Arc::new(MemoryBlobs::default()),
        presence: Arc::new(MemoryPresence::default()),
        channels: Arc::new(MemoryChannels::new(clock.clone())),
        bus: Arc::new(MemoryHub::new().join(Node::new(NodeId(1), "alone", "0", clock.now()))),
        limiter: Arc::new(MemoryRateLimiter::new(clock.clone())),
        answers: Arc::new(MemoryAnswers::new(clock.clone())),
        clock,
    }
}
