//! What this node says: signals, and that it is there.

use super::{
    BEAT, CHANNELS, channel_of,
    frame::Frame,
    outbox::{Batch, Full, Marking, Outbox},
    unechoed::Unechoed,
};
use crate::{
    link::Link,
    metrics::{Call, Driver, RedisMetrics},
    trouble::Trouble,
    wire::Wire,
};
use campanile_core::{
    event::{Envelope, Signal, Topic},
    instrumented::{self, BusFault, BusMetrics},
    port::{BusError, Clock, Mark, NodeId, Underway},
};
use campanile_metrics::{CounterHandle, GaugeHandle};
use futures_util::future::join_all;
use redis::Pipeline;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Between two attempts to publish where Redis is there and does not do it.
const PAUSE: Duration = Duration::from_millis(100);

/// Every voice of this node. One server has one; in a cluster each channel has its own, since a
/// part that is down must not hold up the others.
pub(crate) struct Voices {
    node: NodeId,
    clock: Arc<dyn Clock>,
    link: Arc<Link>,
    hold: Duration,
    frame_bytes_max: usize,
    outboxes: Vec<Arc<Outbox>>,
    beats: Arc<AtomicU64>,
    unechoed: Arc<Unechoed>,
    queue: GaugeHandle,
    dropped: CounterHandle,
}

/// The task that publishes what is in one outbox.
pub(crate) struct Voice {
    node: NodeId,
    clock: Arc<dyn Clock>,
    link: Arc<Link>,
    hold: Duration,
    channels: Vec<usize>,
    names: Arc<[String]>,
    outbox: Arc<Outbox>,
    beats: Arc<AtomicU64>,
    queue: GaugeHandle,
    dropped: CounterHandle,
    errors: BusMetrics,
    driver: instrumented::Driver,
    unechoed: Arc<Unechoed>,
    has_left: bool,
}

/// How much a node may publish.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) frames_max: usize,
    pub(crate) frame_bytes_max: usize,
    pub(crate) hold: Duration,
}

/// What a voice counts.
#[derive(Clone)]
pub(crate) struct Counts {
    pub(crate) metrics: RedisMetrics,
    pub(crate) errors: BusMetrics,
    pub(crate) driver: instrumented::Driver,
}

impl Voices {
    /// All voices, and their tasks to be spawned.
    pub(crate) fn new(
        (node, clock): (NodeId, Arc<dyn Clock>),
        link: Arc<Link>,
        names: Arc<[String]>,
        bounds: Bounds,
        counts: &Counts,
    ) -> (Self, Vec<Voice>) {
        let lanes = if link.is_cluster() { CHANNELS } else { 1 };
        let outboxes: Vec<_> =
            (0..lanes).map(|_| Arc::new(Outbox::new(bounds.frames_max))).collect();
        let voices = Self {
            node,
            clock,
            link,
            hold: bounds.hold,
            frame_bytes_max: bounds.frame_bytes_max,
            outboxes,
            beats: Arc::default(),
            unechoed: Arc::new(Unechoed::new()),
            queue: counts.metrics.queue.handle(Driver::Redis),
            dropped: counts.metrics.dropped.handle(Driver::Redis),
        };
        let tasks = (0..lanes).map(|lane| Voice {
            node,
            clock: voices.clock.clone(),
            link: voices.link.clone(),
            hold: voices.hold,
            channels: (lane..CHANNELS).step_by(lanes).collect(),
            names: names.clone(),
            outbox: voices.outboxes[lane].clone(),
            beats: voices.beats.clone(),
            queue: voices.queue.clone(),
            dropped: voices.dropped.clone(),
            errors: counts.errors.clone(),
            driver: counts.driver,
            unechoed: voices.unechoed.clone(),
            has_left: false,
        });
        let tasks = tasks.collect();
        (voices, tasks)
    }

    /// What is spoken and has not come back.
    pub(crate) fn unechoed(&self) -> Arc<Unechoed> {
        self.unechoed.clone()
    }

    /// Waits while nothing comes back: what is published in order then would not be heard here. What
    /// waits for too long is refused; nobody misses it.
    pub(crate) async fn until_heard(&self) -> Result<(), BusError> {
        // Whoever publishes several at once has them in that order: there is no waiting, mostly.
        if !self.unechoed.is_deaf() {
            return Ok(());
        }
        let left = self.hold.saturating_sub(self.unechoed.deaf_for());
        let heard = timeout(left, self.unechoed.hears()).await;
        heard.map_err(|_| {
            self.dropped.increment();
            Trouble::away().into()
        })
    }

    /// Hands a signal over.
    pub(crate) fn publish(&self, signal: &Signal) -> Result<(), BusError> {
        self.put(signal, |outbox, channel, frame| outbox.put(channel, frame))
    }

    /// The same of one that comes back to this node as it comes to the others: the channel has one
    /// order for all who listen to it.
    pub(crate) fn publish_in_order(&self, envelope: Arc<Envelope>) -> Result<Underway, BusError> {
        let signal = envelope.signal.clone();
        let channel = channel_of(signal.topic());
        // Another that publishes now may be let in, too: it is a bound for memory.
        if self.unechoed.is_full(channel) {
            return self.refuse(channel, BusError::Overflow);
        }
        let (underway, returned, takes) = Underway::new(envelope);
        self.put(&signal, |outbox, channel, frame| {
            outbox.put_awaited(channel, frame, |count| {
                self.unechoed.expect((channel, count), returned);
                Some(takes)
            })
        })?;
        Ok(underway)
    }

    /// Sets a mark in what is said about a topic. It is a beat: the others know those.
    pub(crate) fn mark(&self, topic: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        if self.unechoed.is_deaf() || self.link.away_for() > Duration::ZERO {
            return Err(Trouble::away().into());
        }
        let channel = channel_of(topic);
        Ok(self.outbox(channel).mark(channel, || {
            let number = self.beats.fetch_add(1, Ordering::SeqCst) + 1;
            let mark = Arc::new(Mark::default());
            self.unechoed.expect_mark((channel, number), mark.clone());
            (number, mark)
        }))
    }

    fn put(
        &self,
        signal: &Signal,
        put: impl FnOnce(&Outbox, usize, Vec<u8>) -> Result<(), Full>,
    ) -> Result<(), BusError> {
        let channel = channel_of(signal.topic());
        if self.link.away_for() > self.hold {
            return self.refuse(channel, Trouble::away().into());
        }
        let frame = Frame::of_signal(self.node, self.clock.now(), signal);
        if frame.len() > self.frame_bytes_max {
            let (bytes, max) = (frame.len(), self.frame_bytes_max);
            return self.refuse(channel, BusError::TooLong { bytes, max });
        }
        // Before it is put in, or it could be taken out of the count first.
        self.queue.add(1);
        put(self.outbox(channel), channel, frame).map_err(|Full| {
            self.queue.add(-1);
            self.dropped.increment();
            BusError::Overflow
        })
    }

    /// The others learn that something is missing.
    fn refuse<T>(&self, channel: usize, error: BusError) -> Result<T, BusError> {
        self.outbox(channel).skip(channel);
        self.dropped.increment();
        Err(error)
    }

    fn outbox(&self, channel: usize) -> &Outbox {
        &self.outboxes[channel % self.outboxes.len()]
    }

    /// Has every channel say now that this node is there; answers the number of the beat.
    pub(crate) fn beat(&self) -> u64 {
        let number = self.beats.fetch_add(1, Ordering::SeqCst) + 1;
        self.outboxes.iter().for_each(|outbox| outbox.beat(number));
        number
    }

    /// Says farewell on every channel, after everything that waits.
    pub(crate) async fn leave(&self) {
        let sent: Vec<_> = self.outboxes.iter().map(|outbox| outbox.leave()).collect();
        join_all(sent).await;
    }
}

impl Voice {
    /// Publishes until it is stopped.
    pub(crate) async fn run(mut self) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.outbox.ready() => {}
                _ = beat.tick() => {
                    if !self.has_left {
                        self.outbox.beat(self.beats.fetch_add(1, Ordering::SeqCst) + 1);
                    }
                }
            }
            let batch = self.outbox.take(Instant::now(), self.hold);
            self.publish(batch).await;
        }
    }

    /// Publishes a batch. When the connection breaks it is published again, since the others pass
    /// over what they have heard before.
    async fn publish(&mut self, mut batch: Batch) {
        self.lose(batch.aged, None);
        loop {
            let pipeline = self.pipeline(&batch);
            if pipeline.is_empty() {
                return;
            }
            match self.link.pipe(Call::Publish, &pipeline).await {
                Ok(()) => return self.published(batch),
                Err(trouble) => {
                    // Whoever has set one goes on without it.
                    batch.marks.drain(..).for_each(|marking| marking.mark.is_void());
                    let fault = BusFault::from(&trouble);
                    if !trouble.may_pass() {
                        return self.lose(batch.frames.len(), Some(fault));
                    }
                    self.errors.errors.increment(self.driver, fault);
                    let _ = timeout(PAUSE, std::future::pending::<()>()).await;
                    let _ = timeout(self.hold, self.link.up()).await;
                }
            }
            self.lose_aged(&mut batch);
            // A later beat says more.
            let farewell = batch.after.take().and_then(|after| after.farewell);
            drop(farewell);
        }
    }

    fn pipeline(&mut self, batch: &Batch) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(batch.frames.len() + self.channels.len());
        let is_cluster = self.link.is_cluster();
        for frame in &batch.frames {
            Wire::publish(is_cluster, &mut pipeline, &self.names[frame.channel], &frame.bytes);
        }
        let stamp = self.clock.now();
        for Marking { channel, number, count, .. } in &batch.marks {
            let frame = Frame::of_beat(self.node, stamp, *count, *number);
            Wire::publish(is_cluster, &mut pipeline, &self.names[*channel], &frame);
        }
        let Some(after) = &batch.after else {
            return pipeline;
        };
        for &channel in &self.channels {
            let (count, name) = (after.counts[channel], &self.names[channel]);
            if let Some(number) = after.beat.filter(|_| !self.has_left) {
                let frame = Frame::of_beat(self.node, stamp, count, number);
                Wire::publish(is_cluster, &mut pipeline, name, &frame);
            }
            if after.farewell.is_some() {
                let frame = Frame::of_leave(self.node, stamp, count);
                Wire::publish(is_cluster, &mut pipeline, name, &frame);
            }
        }
        self.has_left |= after.farewell.is_some();
        pipeline
    }

    fn published(&mut self, batch: Batch) {
        self.queue.add(-(batch.frames.len() as f64));
        for takes in batch.frames.into_iter().filter_map(|frame| frame.takes) {
            // Whoever published may not have waited.
            let _ = takes.send(());
        }
        let Some(after) = batch.after else {
            return;
        };
        if after.beat.is_some() && !self.has_left {
            self.channels.iter().for_each(|channel| self.unechoed.spoken(*channel));
        }
        if let Some(farewell) = after.farewell {
            // Whoever leaves may not have waited.
            let _ = farewell.send(());
        }
    }

    /// Gives up what has waited for too long.
    fn lose_aged(&self, batch: &mut Batch) {
        let (before, now) = (batch.frames.len(), Instant::now());
        batch.frames.retain(|frame| now.duration_since(frame.since) <= self.hold);
        self.lose(before - batch.frames.len(), None);
    }

    /// Counts frames that are lost.
    fn lose(&self, frames: usize, fault: Option<BusFault>) {
        self.queue.add(-(frames as f64));
        self.dropped.add(frames as u64);
        if let Some(fault) = fault {
            self.errors.errors.increment(self.driver, fault);
        }
    }
}
