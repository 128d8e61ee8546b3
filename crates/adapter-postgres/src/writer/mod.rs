//! Writing messages and read marks: a few tasks, each with a connection of its own, many in one
//! transaction.
//!
//! Callers hand theirs over a bounded queue and wait. While one transaction commits, the next
//! gather, so the more there is to do the more is done at once. A room has one of the writers of
//! each node; between nodes the room's locked row keeps the order. Nobody hears that something was
//! written before it is committed.

mod batch;
mod decide;
mod rooms;
mod task;

use crate::{Config, weeks::Weeks, work::Worker};
use campanile_core::{
    message::{Draft, Sequence},
    name::{RoomName, UserName},
    port::{AppendError, Appended, Fault, FaultKind, Marked},
    time::Timestamp,
};
use campanile_metrics::Guard;
use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// The callers' end of all writers.
#[derive(Debug)]
pub(crate) struct Writers {
    queues: Vec<mpsc::Sender<Command>>,
    wait_max: Duration,
    worker: Worker,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What waits for a writer.
enum Command {
    Append(Append),
    Mark(Mark),
    /// Finish what has come so far, take no more.
    Close,
}

/// A draft to store.
struct Append {
    draft: Draft,
    now: Timestamp,
    answer: oneshot::Sender<Result<Appended, AppendError>>,
    _waiting: Guard,
}

/// A read mark to move.
struct Mark {
    room: RoomName,
    user: UserName,
    seq: Sequence,
    answer: oneshot::Sender<Result<Marked, Fault>>,
}

impl Writers {
    /// Starts the tasks that write.
    pub(crate) fn spawn(config: &Config, worker: &Worker, weeks: &Weeks) -> Self {
        let (mut queues, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..config.writers.max(1) {
            let (queue, commands) = mpsc::channel(config.write_queue_max);
            let window = config.idempotency_window;
            let task = task::Task::new(worker.clone(), weeks.clone(), commands, window);
            tasks.push(tokio::spawn(task.run()));
            queues.push(queue);
        }
        let (wait_max, worker) = (config.write_wait_max, worker.clone());
        Self { queues, wait_max, worker, tasks: Mutex::new(tasks) }
    }

    /// Stores a draft.
    pub(crate) async fn append(
        &self,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        let waiting = self.worker.measured.pool.write_queue.guard();
        let queue = self.queue(&draft.room);
        self.submit(queue, |answer| {
            Command::Append(Append { draft, now, answer, _waiting: waiting })
        })
        .await?
    }

    /// Moves a read mark.
    pub(crate) async fn mark(
        &self,
        room: RoomName,
        user: UserName,
        seq: Sequence,
    ) -> Result<Marked, Fault> {
        let queue = self.queue(&room);
        self.submit(queue, |answer| Command::Mark(Mark { room, user, seq, answer })).await?
    }

    /// Finishes what was accepted and refuses what comes later.
    pub(crate) async fn close(&self) {
        for queue in &self.queues {
            let _ended = queue.send(Command::Close).await;
        }
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let _ended = task.await;
        }
    }

    fn queue(&self, room: &RoomName) -> &mpsc::Sender<Command> {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let place = hasher.hash_one(room.as_str()) as usize % self.queues.len();
        &self.queues[place]
    }

    async fn submit<T>(
        &self,
        queue: &mpsc::Sender<Command>,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Fault> {
        let written = async {
            let (sender, answer) = oneshot::channel();
            queue.send(command(sender)).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())
        };
        let in_time = tokio::time::timeout(self.wait_max, written).await;
        in_time.unwrap_or_else(|elapsed| Err(Fault::new(FaultKind::Timeout, elapsed)))
    }
}

fn closed() -> Fault {
    Fault::new(FaultKind::Connection, "the store is closed")
}
