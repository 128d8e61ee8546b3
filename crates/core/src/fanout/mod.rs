//! Fan-out: an event goes once to each worker thread, is encoded once per protocol there, and the
//! worker loops over its own connections without a lock, an atomic or a channel per recipient.
//!
//! [`Shards`] is the handle that any thread may hold. Behind it, each worker has a hub of rooms and
//! seats; a seat's [`Outbox`] is what its connection writes from.

mod class;
mod directory;
mod outbox;
mod round;
mod tally;
mod seat;
mod frames;
mod order;
mod listeners;
mod hub;
mod members;
mod channels;
mod tell;
mod watching;
mod pump;
mod survey;
mod roll;

pub(crate) use channels::Subscriber;
pub use class::{Class, Origin};
pub use directory::{Directory, OpenChannels};
pub use hub::Encoder;
pub(crate) use hub::Hub;
pub use outbox::{DirectWriter, Outbox, Outgoing};
pub(crate) use roll::{Compared, ComparedMembers, Roll};
pub(crate) use seat::Seat;
pub use survey::{ConnectionSeen, RoomSeen, Survey};

use crate::{
    event::Envelope,
    limits::Limits,
    metrics::ChatMetrics,
    port::{Clock, MessageStore},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use tokio::sync::{mpsc, oneshot};

/// The handle to all worker threads' shards: cheap to clone, sent anywhere.
#[derive(Clone)]
pub struct Shards {
    senders: Arc<[mpsc::Sender<Instruction>]>,
    shown: Arc<[Shown]>,
    told: Arc<AtomicU64>,
}

/// What every worker of a node shares.
pub(crate) struct Context {
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<ChatMetrics>,
    /// Where a message that did not come is read.
    pub(crate) messages: Arc<dyn MessageStore>,
    pub(crate) directory: Directory,
}

/// Where a shard's instructions arrive; given to the worker that runs the shard.
pub struct ShardInbox {
    receiver: mpsc::Receiver<Instruction>,
    shown: Shown,
    /// How many events the workers were told.
    told: Arc<AtomicU64>,
}

/// What a shard is told.
enum Instruction {
    /// An event, and how many were told before it.
    Deliver(Arc<Envelope>, u64),
    Survey(SurveyOrder),
    Roll(oneshot::Sender<Roll>),
    Compare(Arc<[Compared]>),
    CompareMembers(Arc<ComparedMembers>),
    Stop,
}

/// A question to a shard about its connections and rooms.
struct SurveyOrder {
    connections_max: usize,
    rooms_max: usize,
    reply: oneshot::Sender<Survey>,
}

/// Figures of one shard that other threads may read; written by that shard only.
#[derive(Clone, Default)]
struct Shown {
    frames_waiting: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Shards {
    /// Handles for `workers` shards, each with a queue of `queue_events_max` events, and the
    /// inboxes to run them with.
    pub fn new(workers: usize, queue_events_max: usize) -> (Self, Vec<ShardInbox>) {
        let told = Arc::new(AtomicU64::new(0));
        let (senders, inboxes): (Vec<_>, Vec<_>) = (0..workers)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(queue_events_max);
                (sender, ShardInbox { receiver, shown: Shown::default(), told: told.clone() })
            })
            .unzip();
        let shown = inboxes.iter().map(|inbox| inbox.shown.clone()).collect();
        (Self { senders: senders.into(), shown, told }, inboxes)
    }

    /// Tells every worker of an event. Waits while a worker's queue is full: who publishes more
    /// than can be delivered is slowed down. A worker that has ended is passed over.
    pub async fn deliver(&self, envelope: Arc<Envelope>) {
        let before = self.told.fetch_add(1, Ordering::Relaxed);
        for sender in self.senders.iter() {
            let _ended = sender.send(Instruction::Deliver(envelope.clone(), before)).await;
        }
    }

    /// How many events the workers were told, or are about to be.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Ends every shard's loop once it has delivered what was told before.
    pub async fn stop(&self) {
        for sender in self.senders.iter() {
            let _ended = sender.send(Instruction::Stop).await;
        }
    }

    /// Frames that wait in all outboxes of this node.
    pub fn frames_waiting(&self) -> usize {
        self.shown.iter().map(|shown| shown.frames_waiting.load(Ordering::Relaxed)).sum()
    }

    /// Connections that are open on this node.
    pub fn connections(&self) -> usize {
        self.shown.iter().map(|shown| shown.connections.load(Ordering::Relaxed)).sum()
    }

    /// Who is connected to this node, and listens to private rooms.
    pub(crate) async fn roll(&self) -> Roll {
        let mut roll = Roll::default();
        for sender in self.senders.iter() {
            let (reply, answer) = oneshot::channel();
            if sender.send(Instruction::Roll(reply)).await.is_ok()
                && let Ok(part) = answer.await
            {
                roll.merge(part);
            }
        }
        roll
    }

    /// Tells every worker what the store has.
    pub(crate) async fn compare(&self, rooms: Arc<[Compared]>) {
        for sender in self.senders.iter() {
            let _ended = sender.send(Instruction::Compare(rooms.clone())).await;
        }
    }

    /// Tells every worker who the store says is in a channel.
    pub(crate) async fn compare_members(&self, compared: Arc<ComparedMembers>) {
        for sender in self.senders.iter() {
            let _ended = sender.send(Instruction::CompareMembers(compared.clone())).await;
        }
    }

    /// Asks every worker for up to `connections_max` connections and the `rooms_max` busiest
    /// rooms.
    pub async fn survey(&self, connections_max: usize, rooms_max: usize) -> Survey {
        let mut survey = Survey::default();
        for sender in self.senders.iter() {
            let (reply, answer) = oneshot::channel();
            let order = SurveyOrder { connections_max, rooms_max, reply };
            if sender.send(Instruction::Survey(order)).await.is_ok()
                && let Ok(part) = answer.await
            {
                survey.merge(part);
            }
        }
        survey.trim(connections_max, rooms_max);
        survey
    }
}
