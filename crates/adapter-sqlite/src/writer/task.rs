//! The task that writes: gathers, commits, answers, and keeps up.

use super::{
    Command, Ledger, Pending, Pulse,
    batch::{Batch, Outcomes},
    upkeep,
};
use crate::{
    Config,
    fault::{Scope, scope, shared_fault},
    open::OpenError,
};
use campanile_core::{port::Fault, time::Timestamp};
use campanile_metrics::GaugeHandle;
use sqlx::{Connection, Error};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Changes that go into one transaction.
const BATCH_MAX: usize = 512;

/// How long nothing must come before the log is copied into the file, and how often a store that
/// does not work is tried.
const IDLE: Duration = Duration::from_millis(500);

/// How long nothing must come before more of a deleted room is removed.
const DIG_PAUSE: Duration = Duration::from_millis(5);

/// The task that writes.
pub(super) struct Task {
    config: Config,
    /// `None` after an error that the connection may not have survived.
    ledger: Option<Ledger>,
    commands: mpsc::Receiver<Command>,
    /// Who waits to hear whether another process has written.
    looks: Vec<oneshot::Sender<Result<bool, Fault>>>,
    up: GaugeHandle,
    is_up: bool,
    /// The latest time that a caller has told.
    now: Timestamp,
}

/// What wakes the task.
enum Event {
    Commands,
    Idle,
    Closed,
}

impl Task {
    pub(super) fn new(
        config: Config,
        ledger: Ledger,
        commands: mpsc::Receiver<Command>,
        up: GaugeHandle,
    ) -> Self {
        Self {
            config,
            ledger: Some(ledger),
            commands,
            looks: Vec::new(),
            up,
            is_up: true,
            now: Timestamp::default(),
        }
    }

    /// Writes until nobody can ask any more, or [`Command::Close`].
    pub(super) async fn run(mut self) {
        let mut commands = Vec::with_capacity(BATCH_MAX);
        loop {
            match self.next(&mut commands).await {
                Event::Commands => {
                    let batch = self.gather(commands.drain(..));
                    self.commit(batch).await;
                    self.look().await;
                    self.after(async |ledger, now| upkeep::keep_up(ledger, now).await).await;
                }
                Event::Idle => self.idle().await,
                Event::Closed => break,
            }
        }
        if let Some(mut ledger) = self.ledger.take() {
            // What is not copied now is read from the log at the next start.
            let _copied = upkeep::copy_log(&mut ledger).await;
            let _closed = ledger.into_connection().close().await;
        }
    }

    async fn next(&mut self, commands: &mut Vec<Command>) -> Event {
        let (something_to_do, pause) = match &self.ledger {
            Some(ledger) if self.is_up && ledger.graves => (true, DIG_PAUSE),
            Some(ledger) => (!self.is_up || ledger.rows_in_log > 0, IDLE),
            None => (true, IDLE),
        };
        tokio::select! {
            biased;
            received = self.commands.recv_many(commands, BATCH_MAX) => match received {
                0 => Event::Closed,
                _ => Event::Commands,
            },
            () = tokio::time::sleep(pause), if something_to_do => Event::Idle,
        }
    }

    fn gather(&mut self, commands: impl Iterator<Item = Command>) -> Batch {
        let mut batch = Batch::default();
        for command in commands {
            match command {
                Command::Append(append) => {
                    self.now = self.now.max(append.now);
                    batch.appends.push(append);
                }
                Command::Mark(mark) => batch.marks.push(mark),
                Command::Change(change) => batch.changes.push(change),
                Command::Look(answer) => self.looks.push(answer),
                Command::Close => self.commands.close(),
            }
        }
        batch
    }

    /// Makes the changes and answers each. A change that breaks a rule of the database or comes
    /// upon a damaged row fails alone: the others are then made one by one.
    async fn commit(&mut self, mut batch: Batch) {
        if batch.len() == 0 {
            return;
        }
        match self.attempt(&mut batch).await {
            Ok(outcomes) => batch.committed(outcomes),
            Err(error) if scope(&error) != Scope::Store && batch.len() > 1 => {
                for mut single in batch.into_singles() {
                    match self.attempt(&mut single).await {
                        Ok(outcomes) => single.committed(outcomes),
                        Err(error) => single.failed(Arc::new(error)),
                    }
                }
            }
            Err(error) => batch.failed(Arc::new(error)),
        }
    }

    /// One transaction: everything, or nothing and an error.
    async fn attempt(&mut self, batch: &mut Batch) -> Result<Outcomes, Error> {
        let attempted = match self.ledger().await {
            Ok(ledger) => batch.write(ledger).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &attempted {
            self.recover(error).await;
        } else {
            self.set_up(true);
        }
        attempted
    }

    /// Says whether another process has written, to whoever has asked.
    async fn look(&mut self) {
        if self.looks.is_empty() {
            return;
        }
        let looked = match self.ledger().await {
            Ok(ledger) => ledger.changed_elsewhere().await,
            Err(error) => Err(error),
        };
        if let Err(error) = &looked {
            self.recover(error).await;
        }
        let looked = looked.map_err(Arc::new);
        for answer in self.looks.drain(..) {
            let answered = looked.as_ref().copied().map_err(|error| shared_fault(error.clone()));
            let _gone = answer.send(answered);
        }
    }

    /// After an error: the transaction is undone, or the connection given up.
    async fn recover(&mut self, error: &Error) {
        if let Some(mut ledger) = self.ledger.take()
            && ledger.roll_back().await.is_ok()
        {
            self.ledger = Some(ledger);
        }
        if scope(error) != Scope::Change {
            self.set_up(false);
        }
    }

    async fn ledger(&mut self) -> Result<&mut Ledger, Error> {
        if self.ledger.is_none() {
            let connection = self.config.connect().await.map_err(|error| match error {
                OpenError::Failed { source, .. } => source,
                other => Error::Io(std::io::Error::other(other)),
            })?;
            self.ledger = Some(Ledger::new(connection, &self.config));
        }
        Ok(self.ledger.as_mut().expect("it was made just now"))
    }

    /// Nothing has come for a while.
    async fn idle(&mut self) {
        if !self.is_up {
            let mut probe = Batch::default();
            let (answer, _nobody_waits) = oneshot::channel();
            probe.changes.push(Box::new(Pending { change: Pulse, made: None, answer }));
            self.commit(probe).await;
            return;
        }
        self.after(async |ledger, now| {
            upkeep::keep_up(ledger, now).await?;
            if !ledger.graves && ledger.rows_in_log > 0 {
                upkeep::copy_log(ledger).await?;
            }
            Ok(())
        })
        .await;
    }

    /// Work that nobody waits for.
    async fn after(&mut self, work: impl AsyncFn(&mut Ledger, Timestamp) -> Result<(), Error>) {
        let now = self.now;
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        if let Err(error) = work(ledger, now).await {
            self.recover(&error).await;
        }
    }

    fn set_up(&mut self, is_up: bool) {
        self.is_up = is_up;
        self.up.set(u64::from(is_up));
    }
}
