//! What one worker's outboxes count, kept on the worker and written to the metrics in batches.

use super::class::{Class, Origin};
use crate::{
    event::Accepted,
    labels::{ChannelType, DropReason, Scope, Transport},
    metrics::{App, ChatMetrics},
    port::Clock,
    time::{Moment, Timestamp},
};
use campanile_metrics::{Batch, BatchedCounter, BatchedHistogram, Label};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Counters of copies by transport and kind of room or channel.
pub(super) struct Sent(Box<[Rc<BatchedCounter>]>);

/// Counts for the outboxes of one worker thread.
pub(super) struct Tally {
    clock: Arc<dyn Clock>,
    metrics: Arc<ChatMetrics>,
    /// Copies of messages that were written, for each application.
    sent: RefCell<HashMap<App, Rc<Sent>>>,
    /// How late they were.
    latency: Box<[Rc<BatchedHistogram>]>,
    /// Frames that wait in all outboxes of this worker.
    waiting: Cell<usize>,
    /// The same for readers on other threads; written by this worker only.
    waiting_shown: Arc<AtomicUsize>,
}

impl Tally {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        (metrics, batch): (Arc<ChatMetrics>, &Batch),
        waiting_shown: Arc<AtomicUsize>,
    ) -> Self {
        let messages = &metrics.messages;
        let latency = Scope::ALL
            .iter()
            .map(|scope| batch.histogram(messages.delivery_latency.handle(*scope)));
        let (sent, latency) = (RefCell::default(), latency.collect());
        Self { clock, metrics, sent, latency, waiting: Cell::new(0), waiting_shown }
    }

    /// What counts the copies that an application's connections are sent.
    pub(super) fn sent(&self, app: App, batch: &Batch) -> Rc<Sent> {
        let mut sent = self.sent.borrow_mut();
        let counters = sent.entry(app).or_insert_with(|| {
            let counter = &self.metrics.messages.sent;
            let kinds = Transport::ALL.iter().flat_map(|transport| {
                ChannelType::ALL.iter().map(move |channel| (*transport, *channel))
            });
            let counters = kinds
                .map(|(transport, channel)| batch.counter(counter.handle(app, transport, channel)));
            Rc::new(Sent(counters.collect()))
        });
        counters.clone()
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
        (sent, transport): (&Sent, Transport),
        class: Class,
        (copies, accepted): (u64, Accepted),
    ) {
        match class {
            Class::Message(channel, origin) => {
                let kind = transport.index() * ChannelType::ALL.len() + channel.index();
                sent.0[kind].add(copies);
                let scope = match origin {
                    Origin::Here => Scope::Local,
                    Origin::Elsewhere => Scope::Remote,
                };
                let latency = self.now().since(accepted.at);
                let copies = usize::try_from(copies).unwrap_or(usize::MAX);
                let observed = &self.latency[scope.index()];
                match accepted.trace {
                    Some(trace) => {
                        let at = || self.clock.now().since(Timestamp(0));
                        observed.observe_many_in(latency, copies, trace, at);
                    }
                    None => observed.observe_many(latency, copies),
                }
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
