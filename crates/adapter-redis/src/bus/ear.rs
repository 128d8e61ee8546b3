//! What this node hears: the subscription, kept up however often it breaks.

use super::{
    BEAT, CHANNELS, channel_number,
    frame::{Body, Frame},
    hearing::{Counted, Hearing},
    inbox::{Inbox, Receiver, inbox},
    unechoed::Unechoed,
};
use crate::{
    health::Health,
    link::Pause,
    metrics::{Call, Driver, RedisMetrics},
    trouble::{Complaints, Trouble, TroubleKind},
    wire::{Opener, Pushes, Wire},
};
use campanile_core::{
    instrumented::{self, BusFault, BusMetrics},
    labels::Outcome,
    port::{Clock, Heard, NodeId},
};
use redis::{PushInfo, PushKind, Value};
use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

/// While signals may be lost it is said so often.
const REMINDER: Duration = Duration::from_millis(900);

/// Losses that are noticed one after the other are said together.
const TOGETHER: Duration = Duration::from_millis(100);

/// How often it is seen to that everything is well.
const WATCH: Duration = Duration::from_millis(200);

/// Our own beat is published twice a second and comes back at once. When it has not for so long,
/// the channel is not heard, whatever the connection seems to be.
const ECHO_PATIENCE: Duration = BEAT.saturating_mul(3);

/// When the driver of a cluster does not find its way back for so long, it is begun anew.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(6);

/// How often the server is asked whether it is there, and how long it may take to answer.
const PING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

/// What is shared between the bus and the task that listens.
pub(crate) struct Ear {
    inbox: Mutex<Option<Slot>>,
    signals_max: usize,
    echoes: watch::Sender<[u64; CHANNELS]>,
}

/// Who receives, and whether it has begun.
struct Slot {
    inbox: Inbox,
    has_begun: bool,
}

/// The task that listens.
pub(crate) struct Listener {
    ear: Arc<Ear>,
    node: NodeId,
    clock: Arc<dyn Clock>,
    opener: Opener,
    names: Arc<[String]>,
    bounds: HearingBounds,
    unechoed: Arc<Unechoed>,
    counts: EarCounts,
    hearing: Hearing,
    said: Option<Instant>,
    is_to_say: bool,
}

/// How much may wait to be heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HearingBounds {
    pub(crate) frames_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) frame_bytes_max: usize,
    pub(crate) command_timeout: Duration,
}

/// Where it is counted and told how it goes.
#[derive(Clone)]
pub(crate) struct EarCounts {
    pub(crate) metrics: RedisMetrics,
    pub(crate) errors: BusMetrics,
    pub(crate) driver: instrumented::Driver,
    pub(crate) complaints: Arc<Complaints>,
    pub(crate) health: Arc<Health>,
}

/// One subscription.
pub(crate) struct Subscription {
    wire: Wire,
    pushes: mpsc::Receiver<PushInfo>,
    queue: Arc<Queue>,
}

/// What is known of the queue between the driver and the listener.
#[derive(Debug, Default)]
struct Queue {
    bytes: AtomicUsize,
    overflowed: AtomicBool,
}

impl Ear {
    pub(crate) fn new(signals_max: usize) -> Self {
        let echoes = watch::Sender::new([0; CHANNELS]);
        Self { inbox: Mutex::default(), signals_max, echoes }
    }

    /// Makes an inbox. What is heard is put in once it has begun.
    pub(super) fn open_inbox(&self) -> Receiver {
        let (inbox, receiver) = inbox(self.signals_max);
        *self.slot() = Some(Slot { inbox, has_begun: false });
        receiver
    }

    pub(super) fn begin(&self) {
        if let Some(slot) = &mut *self.slot() {
            slot.has_begun = true;
        }
    }

    /// Waits until this beat, or a later one, has come back on every channel.
    pub(super) async fn echo(&self, beat: u64) {
        let heard = |echoes: &[u64; CHANNELS]| echoes.iter().all(|echo| *echo >= beat);
        // The sender is ours, so waiting ends only with the value.
        let _ = self.echoes.subscribe().wait_for(heard).await;
    }

    /// Puts something in; whether it had room, or nobody receives.
    fn put(&self, heard: Heard) -> bool {
        match &*self.slot() {
            Some(slot) if slot.has_begun => slot.inbox.put(heard),
            _ => true,
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    pub(crate) fn new(
        (ear, unechoed): (Arc<Ear>, Arc<Unechoed>),
        (node, clock): (NodeId, Arc<dyn Clock>),
        (opener, names): (Opener, Arc<[String]>),
        bounds: HearingBounds,
        counts: EarCounts,
    ) -> Self {
        let hearing = Hearing::new(Instant::now());
        let (said, is_to_say) = (None, false);
        Self { ear, node, clock, opener, names, bounds, unechoed, counts, hearing, said, is_to_say }
    }

    /// Subscribes to every channel.
    pub(crate) async fn subscribe(&self) -> Result<Subscription, Trouble> {
        let (sender, pushes) = mpsc::channel(self.bounds.frames_max);
        let queue = Arc::new(Queue::default());
        let mut wire = self.opener.open(Some(self.taker(sender, queue.clone()))).await?;
        self.listen_to(&mut wire, &self.names).await?;
        Ok(Subscription { wire, pushes, queue })
    }

    async fn listen_to(&self, wire: &mut Wire, names: &[String]) -> Result<(), Trouble> {
        let bound = self.bounds.command_timeout * 2;
        let subscribed = timeout(bound, wire.subscribe(names)).await;
        let answer = match subscribed {
            Ok(answer) => answer.map_err(Trouble::from),
            Err(_) => Err(Trouble::timeout(bound)),
        };
        let outcome = if answer.is_ok() { Outcome::Ok } else { Outcome::Error };
        self.counts.metrics.commands.increment(Call::Subscribe, outcome);
        answer
    }

    /// Takes what Redis sends, in the driver's own task, so it never waits.
    fn taker(&self, sender: mpsc::Sender<PushInfo>, queue: Arc<Queue>) -> Pushes {
        let (bytes_max, metrics) = (self.bounds.bytes_max, self.counts.metrics.clone());
        Arc::new(move |push| {
            let bytes = length(&push);
            let waiting = queue.bytes.fetch_add(bytes, Ordering::Relaxed);
            let full = || mpsc::error::TrySendError::Full(push.clone());
            let sent =
                if waiting > bytes_max && bytes > 0 { Err(full()) } else { sender.try_send(push) };
            if let Err(error) = sent {
                queue.bytes.fetch_sub(bytes, Ordering::Relaxed);
                // A subscription that was given up misses nothing.
                if matches!(error, mpsc::error::TrySendError::Full(_)) {
                    metrics.dropped.increment(Driver::Redis);
                    queue.overflowed.store(true, Ordering::Release);
                }
            }
        })
    }

    /// Listens until it is stopped.
    pub(crate) async fn run(mut self, mut subscription: Subscription) {
        self.counts.health.set_subscription(true);
        loop {
            let trouble = self.listen(subscription).await;
            self.counts.health.set_subscription(false);
            self.unechoed.set_deaf(true);
            self.tell(&trouble);
            subscription = self.resubscribe().await;
            self.counts.health.set_subscription(true);
            self.unechoed.set_deaf(false);
            self.counts.metrics.reconnects.increment(Driver::Redis);
            tracing::info!("redis is heard again");
            // An echo that was on its way when the connection broke never comes.
            (0..CHANNELS).for_each(|channel| self.unechoed.echoed(channel));
            self.hearing.resumed(Instant::now());
            self.say();
        }
    }

    /// Subscribes again, however long it takes, and says all the while that signals are missed.
    async fn resubscribe(&self) -> Subscription {
        let mut attempts = std::pin::pin!(async {
            let mut pause = Pause::default();
            loop {
                match self.subscribe().await {
                    Ok(subscription) => break subscription,
                    Err(trouble) => self.tell(&trouble),
                }
                pause.wait().await;
            }
        });
        // The first is at once.
        let mut reminders = interval(REMINDER);
        loop {
            tokio::select! {
                subscription = &mut attempts => return subscription,
                _ = reminders.tick() => drop(self.ear.put(Heard::Missed)),
            }
        }
    }

    fn tell(&self, trouble: &Trouble) {
        self.counts.metrics.errors.increment(trouble.kind);
        self.counts.errors.errors.increment(self.counts.driver, BusFault::from(trouble));
        self.counts.complaints.tell(trouble);
    }

    /// Listens until the subscription is of no more use; why.
    async fn listen(&mut self, mut subscription: Subscription) -> Trouble {
        let mut watch = interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let is_cluster = self.opener.is_cluster();
        let mut broken = std::pin::pin!(ping(subscription.wire.clone()));
        let mut repairs = JoinSet::new();
        loop {
            let flow = tokio::select! {
                biased;
                _ = watch.tick() => self.watch(&subscription, &mut repairs),
                trouble = &mut broken, if !is_cluster => ControlFlow::Break(trouble),
                Some(_) = repairs.join_next() => ControlFlow::Continue(()),
                push = subscription.pushes.recv() => match push {
                    Some(push) => {
                        subscription.queue.bytes.fetch_sub(length(&push), Ordering::Relaxed);
                        self.take(push, &subscription, &mut repairs)
                    }
                    None => ControlFlow::Break(Trouble::away()),
                },
            };
            if let ControlFlow::Break(trouble) = flow {
                return trouble;
            }
        }
    }

    /// Takes what Redis sent.
    fn take(
        &mut self,
        push: PushInfo,
        subscription: &Subscription,
        repairs: &mut JoinSet<()>,
    ) -> ControlFlow<Trouble> {
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                if let [Value::BulkString(name), Value::BulkString(payload)] = &push.data[..]
                    && let Some(channel) = channel_number(&self.names, name)
                {
                    self.hear(channel, payload);
                }
            }
            // A connection broke: the only one, or that to one node of a cluster.
            PushKind::Disconnection if self.opener.is_cluster() => {
                self.say_soon();
                self.repair(subscription, repairs, (0..CHANNELS).collect());
            }
            PushKind::Disconnection => return ControlFlow::Break(Trouble::away()),
            // The channel has moved to another node of the cluster.
            PushKind::SUnsubscribe => {
                self.say_soon();
                self.repair(subscription, repairs, (0..CHANNELS).collect());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn hear(&mut self, channel: usize, payload: &[u8]) {
        let fits = payload.len() <= self.bounds.frame_bytes_max;
        let Some(frame) = fits.then(|| Frame::read(payload).ok()).flatten() else {
            // It may have been a signal of a node with another version.
            self.counts.metrics.dropped.increment(Driver::Redis);
            self.counts.errors.errors.increment(self.counts.driver, BusFault::Decode);
            return self.remind();
        };
        if frame.sender == self.node {
            return self.hear_own(channel, &frame);
        }
        let counted = match frame.body {
            Body::Signal(_) => Counted::Signal,
            Body::Beat(_) => Counted::Beat,
            Body::Leave => Counted::Leave,
        };
        let place = (frame.sender, channel);
        let noted = self.hearing.note(Instant::now(), place, counted, frame.count);
        if noted.gap {
            self.say_soon();
        }
        if let (Body::Signal(signal), true) = (frame.body, noted.fresh) {
            // The clocks of two nodes may differ by more than the way took.
            let way = self.clock.now().0.saturating_sub(frame.stamp.0).max(0);
            let way = Duration::from_millis(way.unsigned_abs());
            if !self.ear.put(Heard::Signal(Arc::new(signal), Some(way))) {
                self.counts.metrics.dropped.increment(Driver::Redis);
            }
        }
    }

    fn hear_own(&self, channel: usize, frame: &Frame) {
        match frame.body {
            Body::Signal(_) => {
                if let Some(returned) = self.unechoed.returned(channel, frame.count)
                    && !self.ear.put(Heard::Own(returned.clone()))
                {
                    returned.is_told();
                    self.counts.metrics.dropped.increment(Driver::Redis);
                }
            }
            Body::Beat(number) => {
                self.unechoed.echoed(channel);
                self.unechoed.passed(channel, frame.count);
                while let Some(mark) = self.unechoed.marked(channel, number) {
                    if !self.ear.put(Heard::Mark(mark.clone())) {
                        mark.is_void();
                    }
                }
                self.ear.echoes.send_modify(|echoes| echoes[channel] = echoes[channel].max(number));
            }
            Body::Leave => {}
        }
    }

    /// Sees to it that every channel is heard, and that nobody is silent.
    fn watch(
        &mut self,
        subscription: &Subscription,
        repairs: &mut JoinSet<()>,
    ) -> ControlFlow<Trouble> {
        if self.is_to_say {
            self.say_soon();
        }
        if subscription.queue.overflowed.swap(false, Ordering::Acquire) {
            self.say_soon();
        }
        if self.hearing.silence(Instant::now()) {
            self.remind();
        }
        let unechoed = self.unechoed.clone();
        let missing = |channel: &usize| unechoed.missing(*channel);
        let deaf: Vec<_> = (0..CHANNELS).filter(|one| missing(one) > ECHO_PATIENCE).collect();
        if deaf.is_empty() {
            return ControlFlow::Continue(());
        }
        self.remind();
        let given_up = deaf.iter().any(|channel| missing(channel) > CLUSTER_PATIENCE);
        if given_up || !self.opener.is_cluster() {
            deaf.iter().for_each(|channel| self.unechoed.echoed(*channel));
            let told = "what this node publishes does not come back";
            return ControlFlow::Break(Trouble::new(TroubleKind::Connection, told));
        }
        self.repair(subscription, repairs, deaf);
        ControlFlow::Continue(())
    }

    /// Listens to channels of a cluster again, wherever they are now.
    fn repair(&self, subscription: &Subscription, repairs: &mut JoinSet<()>, channels: Vec<usize>) {
        if !repairs.is_empty() {
            return;
        }
        let bound = self.bounds.command_timeout;
        for channel in channels {
            let mut wire = subscription.wire.clone();
            let name = self.names[channel].clone();
            repairs.spawn(async move {
                // Where it fails, the echo stays away, and it is tried again.
                let _ = timeout(bound, wire.subscribe(&[name])).await;
            });
        }
        // Not at once again.
        repairs.spawn(sleep(WATCH * 2));
    }

    /// Says that something was missed, together with what is missed right before and after.
    fn say_soon(&mut self) {
        self.is_to_say = self.said_within(TOGETHER);
        if !self.is_to_say {
            self.say();
        }
    }

    /// Says that something is being missed, unless that was just said.
    fn remind(&mut self) {
        if !self.said_within(REMINDER) {
            self.say();
        }
    }

    fn said_within(&self, time: Duration) -> bool {
        self.said.is_some_and(|said| said.elapsed() < time)
    }

    fn say(&mut self) {
        self.said = Some(Instant::now());
        self.is_to_say = false;
        self.ear.put(Heard::Missed);
    }
}

/// Asks again and again whether the server is there; ends when it is not.
async fn ping(mut wire: Wire) -> Trouble {
    loop {
        sleep(PING.0).await;
        let answer = timeout(PING.1, redis::cmd("PING").query_async::<Value>(&mut wire)).await;
        match answer {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return Trouble::timeout(PING.1),
        }
    }
}

/// Bytes of a message.
fn length(push: &PushInfo) -> usize {
    match push.data.last() {
        Some(Value::BulkString(payload)) => payload.len(),
        _ => 0,
    }
}
