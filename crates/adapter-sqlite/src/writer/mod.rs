//! Writing: one task makes every change, many in one transaction.
//!
//! Callers hand their change over a bounded queue and wait. While one transaction commits, the
//! next changes gather, so the more there is to do the more is done at once. Nobody hears that a
//! change was made before it is committed.

mod append;
mod batch;
mod drafts;
mod ledger;
mod mark;
mod task;
mod upkeep;

pub(crate) use ledger::Ledger;

use crate::{Config, fault::shared_fault, metrics::Measured};
use async_trait::async_trait;
use campanile_core::{
    message::{Draft, Sequence},
    name::{RoomName, UserName},
    port::{AppendError, Appended, Fault, FaultKind, Marked},
    time::Timestamp,
};
use campanile_metrics::Guard;
use sqlx::{Error, SqliteConnection, query};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// The callers' end of the queue.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Command>,
    wait_max: Duration,
    measured: Measured,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// A change made within a transaction. It is made again from the start when it has to be.
#[async_trait]
pub(crate) trait Change: Send + Sync + 'static {
    /// What the caller hears, refusals included. Whoever refuses has changed nothing.
    type Answer: Send + 'static;

    /// Makes it. An error fails the whole transaction.
    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error>;
}

/// What waits for the writer.
enum Command {
    Append(Append),
    Mark(Mark),
    Change(Box<dyn Job>),
    /// Say whether another process has written since this was last asked.
    Look(oneshot::Sender<Result<bool, Fault>>),
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

/// A [`Change`] with whoever waits for it, whatever it answers.
#[async_trait]
trait Job: Send {
    async fn run(&mut self, ledger: &mut Ledger) -> Result<(), Error>;
    fn committed(self: Box<Self>);
    fn failed(self: Box<Self>, error: Arc<Error>);
}

struct Pending<C: Change> {
    change: C,
    made: Option<C::Answer>,
    answer: oneshot::Sender<Result<C::Answer, Fault>>,
}

impl Writer {
    /// Starts the task that writes.
    pub(crate) fn spawn(config: Config, connection: SqliteConnection, measured: Measured) -> Self {
        let (queue, commands) = mpsc::channel(config.write_queue_max);
        let wait_max = config.write_wait_max;
        let up = measured.metrics.up.handle(measured.driver);
        up.set(1);
        let ledger = Ledger::new(connection, &config);
        let task = task::Task::new(config, ledger, commands, up);
        Self { queue, wait_max, measured, task: Mutex::new(Some(tokio::spawn(task.run()))) }
    }

    /// Stores a draft.
    pub(crate) async fn append(
        &self,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        let waiting = self.measured.metrics.write_queue.guard();
        self.submit(|answer| Command::Append(Append { draft, now, answer, _waiting: waiting }))
            .await?
    }

    /// Moves a read mark.
    pub(crate) async fn mark(
        &self,
        room: RoomName,
        user: UserName,
        seq: Sequence,
    ) -> Result<Marked, Fault> {
        self.submit(|answer| Command::Mark(Mark { room, user, seq, answer })).await?
    }

    /// Makes a change.
    pub(crate) async fn change<C: Change>(&self, change: C) -> Result<C::Answer, Fault> {
        self.submit(|answer| Command::Change(Box::new(Pending { change, made: None, answer })))
            .await?
    }

    /// Finds out whether writing works.
    pub(crate) async fn probe(&self) -> Result<(), Fault> {
        self.change(Pulse).await
    }

    /// Whether another process has written since this was last asked.
    pub(crate) async fn changed_elsewhere(&self) -> Result<bool, Fault> {
        self.submit(Command::Look).await?
    }

    /// Finishes what was accepted and ends. A second call waits for nothing.
    pub(crate) async fn close(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // Where the task has ended already there is nothing to close.
            let _ended = self.queue.send(Command::Close).await;
            let _panicked = task.await;
        }
    }

    async fn submit<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let handed_over = async {
            let sent = self.queue.send(command(answer)).await;
            sent.map_err(|_| stopped())?;
            answered.await.map_err(|_| stopped())
        };
        let waited = tokio::time::timeout(self.wait_max, handed_over).await;
        waited.unwrap_or_else(|elapsed| Err(Fault::new(FaultKind::Timeout, elapsed)))
    }
}

fn stopped() -> Fault {
    Fault::new(FaultKind::Connection, "the store is closed")
}

/// A write that says nothing, to find out whether writing works.
pub(crate) struct Pulse;

#[async_trait]
impl Change for Pulse {
    type Answer = ();

    async fn make(&self, ledger: &mut Ledger) -> Result<(), Error> {
        query("UPDATE pulse SET beats = beats + 1").execute(ledger.connection()).await?;
        Ok(())
    }
}

#[async_trait]
impl<C: Change> Job for Pending<C> {
    async fn run(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        self.made = Some(self.change.make(ledger).await?);
        Ok(())
    }

    fn committed(self: Box<Self>) {
        if let Some(made) = self.made {
            // Who has given up does not hear it.
            let _gone = self.answer.send(Ok(made));
        }
    }

    fn failed(self: Box<Self>, error: Arc<Error>) {
        let _gone = self.answer.send(Err(shared_fault(error)));
    }
}
