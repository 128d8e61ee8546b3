//! The bytes that one worker's connections carry, counted on the worker.

use crate::metrics::ConnectionMetrics;
use campanile_core::labels::Transport;
use campanile_metrics::{Batch, BatchedCounter, Label};
use std::rc::Rc;

/// Counts of bytes, by transport. A clone counts into the same.
#[derive(Clone)]
pub struct Traffic {
    sent: Rc<[Rc<BatchedCounter>]>,
    received: Rc<[Rc<BatchedCounter>]>,
}

impl Traffic {
    /// Counts with the rest of a worker's batch.
    pub fn new(metrics: &ConnectionMetrics, batch: &Batch) -> Self {
        let all = Transport::ALL.iter().copied();
        Self {
            sent: all.clone().map(|one| batch.counter(metrics.sent_bytes.handle(one))).collect(),
            received: all.map(|one| batch.counter(metrics.received_bytes.handle(one))).collect(),
        }
    }

    pub(crate) fn sent(&self, transport: Transport) -> Rc<BatchedCounter> {
        self.sent[transport.index()].clone()
    }

    pub(super) fn received(&self, transport: Transport) -> Rc<BatchedCounter> {
        self.received[transport.index()].clone()
    }
}
