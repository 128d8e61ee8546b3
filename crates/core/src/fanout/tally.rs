//! What one worker's outboxes count, kept on the worker and written to the metrics in batches.

use super::class::{Class, Origin};
use crate::{
    labels::{DropReason, Scope, Transport},
    metrics::ChatMetrics,
    port::Clock,
    time::Moment,
};
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Counts for the outboxes of one worker thread.
pub(super) struct Tally {
    clock: Arc<dyn Clock>,
    metrics: Arc<ChatMetrics>,
    /// Frames that wait in all outboxes of this worker.
    waiting: Cell<usize>,
    /// The same for readers on other threads; written by this worker only.
    waiting_shown: Arc<AtomicUsize>,
}

impl Tally {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        metrics: Arc<ChatMetrics>,
        waiting_shown: Arc<AtomicUsize>,
    ) -> Self {
        Self { clock, metrics, waiting: Cell::new(0), waiting_shown }
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.moment()
    }

    pub(super) fn queued(&self, frames: usize) {
        self.show(self.waiting.get() + frames);
    }

    pub(super) fn unqueued(&self, frames: usize) {
        self.show(self.waiting.get() - frames);
    }

    pub(super) fn slow_consumer(&self, transport: Transport) {
        self.metrics.connections.slow_consumers.increment(transport);
    }

    pub(super) fn dropped(&self, reason: DropReason, class: Class, copies: u64) {
        if !matches!(class, Class::Answer) {
            self.metrics.messages.dropped.add(copies, reason);
        }
    }

    /// Copies of one class were written, the first of which was accepted then.
    pub(super) fn written(
        &self,
        transport: Transport,
        class: Class,
        (copies, accepted): (u64, Moment),
    ) {
        match class {
            Class::Message(channel, origin) => {
                let metrics = &self.metrics.messages;
                metrics.sent.add(copies, self.metrics.native, transport, channel);
                let scope = match origin {
                    Origin::Here => Scope::Local,
                    Origin::Elsewhere => Scope::Remote,
                };
                let latency = self.now().since(accepted);
                let copies = usize::try_from(copies).unwrap_or(usize::MAX);
                metrics.delivery_latency.observe_many(latency, copies, scope);
            }
            Class::Presence(kind) => self.metrics.presence.updates_sent.add(copies, kind),
            Class::Answer | Class::Lasting | Class::Ephemeral => {}
        }
    }

    fn show(&self, waiting: usize) {
        self.waiting.set(waiting);
        // A store by the only writer: it costs what a plain store costs.
        self.waiting_shown.store(waiting, Ordering::Relaxed);
    }
}
