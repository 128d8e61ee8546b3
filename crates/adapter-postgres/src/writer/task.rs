//! One task that writes: gathers, commits, answers.

use super::{
    Append, Command, Mark,
    batch::{Batch, Outcomes},
};
use crate::{
    fault::{self, blames_one, ends_connection, may_try_again, misses_week, shared_fault},
    weeks::{Weeks, week},
    work::{Failure, Worker, pause},
};
use campanile_core::port::{AppendError, Fault, FaultKind};
use sqlx::{Connection, Error, PgConnection};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Messages and marks that go into one transaction.
const BATCH_MAX: usize = 512;

/// How often a transaction is tried that collides with others, or whose connection was broken
/// before it began.
const ATTEMPTS_MAX: u32 = 5;

/// A task that writes.
pub(super) struct Task {
    worker: Worker,
    weeks: Weeks,
    commands: mpsc::Receiver<Command>,
    window: Duration,
    /// `None` before the first batch and after an error that it may not have survived.
    connection: Option<PgConnection>,
}

/// Those who wait for a batch.
struct Waiting {
    appends: Vec<Append>,
    marks: Vec<Mark>,
}

impl Task {
    pub(super) fn new(
        worker: Worker,
        weeks: Weeks,
        commands: mpsc::Receiver<Command>,
        window: Duration,
    ) -> Self {
        Self { worker, weeks, commands, window, connection: None }
    }

    /// Writes until nobody can ask any more, or [`Command::Close`].
    pub(super) async fn run(mut self) {
        let mut commands = Vec::with_capacity(BATCH_MAX);
        while self.commands.recv_many(&mut commands, BATCH_MAX).await > 0 {
            let mut waiting = Waiting { appends: Vec::new(), marks: Vec::new() };
            for command in commands.drain(..) {
                match command {
                    Command::Append(append) => waiting.appends.push(append),
                    Command::Mark(mark) => waiting.marks.push(mark),
                    Command::Close => self.commands.close(),
                }
            }
            self.write(waiting).await;
        }
        if let Some(connection) = self.connection.take() {
            // It is over either way.
            let _closed = connection.close().await;
        }
    }

    /// Writes everything, and answers each. What breaks a rule of the database or comes upon a
    /// damaged row fails alone: the others are then written one by one.
    async fn write(&mut self, mut waiting: Waiting) {
        // Who has given up waiting may try again elsewhere, so what it gave is not written now.
        waiting.appends.retain(|append| !append.answer.is_closed());
        waiting.marks.retain(|mark| !mark.answer.is_closed());
        if waiting.len() == 0 {
            return;
        }
        match self.attempt(&waiting).await {
            Ok(outcomes) => waiting.written(outcomes),
            Err(error) if blames_one(&error) && waiting.len() > 1 => {
                for single in waiting.into_singles() {
                    match self.attempt(&single).await {
                        Ok(outcomes) => single.written(outcomes),
                        Err(error) => single.failed(error),
                    }
                }
            }
            Err(error) => waiting.failed(error),
        }
    }

    async fn attempt(&mut self, waiting: &Waiting) -> Result<Outcomes, Error> {
        let batch = Batch::of(&waiting.appends, &waiting.marks, self.window);
        let weeks: BTreeSet<i32> = waiting.appends.iter().map(|append| week(append.now)).collect();
        // A week that cannot be made now is missed by the transaction, which then fails.
        let _counted = self.weeks.ensure(&weeks).await;
        let mut attempt = 1;
        loop {
            let Failure { error, in_doubt } = match self.transact(&batch).await {
                Ok(outcomes) => {
                    self.worker.measured.set_up(true);
                    return Ok(outcomes);
                }
                Err(failure) => failure,
            };
            // A connection that broke while it lay idle says so when it is used next.
            let stale = ends_connection(&error) && attempt < 3 && self.worked_before(&error);
            let again = !in_doubt && (may_try_again(&error) || stale);
            if !again || attempt >= ATTEMPTS_MAX {
                if fault::kind(&error) == FaultKind::Connection {
                    self.worker.measured.set_up(false);
                }
                return Err(error);
            }
            if misses_week(&error) {
                let _counted = self.weeks.ensure_again(&weeks).await;
            }
            pause(attempt).await;
            attempt += 1;
        }
    }

    async fn transact(&mut self, batch: &Batch<'_>) -> Result<Outcomes, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connected = self.worker.connector.connect().await;
                connected.map_err(|error| Failure { error, in_doubt: false })?
            }
        };
        let written = self.worker.transact(&mut connection, batch).await;
        let survived = match &written {
            Ok(_) => true,
            Err(failure) => !ends_connection(&failure.error),
        };
        if survived {
            self.connection = Some(connection);
        }
        written
    }

    /// Whether the database may be there again, now that a connection has ended.
    fn worked_before(&self, error: &Error) -> bool {
        fault::kind(error) == FaultKind::Connection
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.appends.len() + self.marks.len()
    }

    fn into_singles(self) -> impl Iterator<Item = Self> {
        let appends = self.appends.into_iter();
        let appends = appends.map(|append| Self { appends: vec![append], marks: Vec::new() });
        let marks = self.marks.into_iter();
        appends.chain(marks.map(|mark| Self { appends: Vec::new(), marks: vec![mark] }))
    }

    /// Who has given up does not hear it.
    fn written(self, outcomes: Outcomes) {
        for (append, outcome) in self.appends.into_iter().zip(outcomes.appended) {
            let _gone = append.answer.send(outcome);
        }
        for (mark, outcome) in self.marks.into_iter().zip(outcomes.marked) {
            let _gone = mark.answer.send(Ok(outcome));
        }
    }

    fn failed(self, error: Error) {
        let error = Arc::new(error);
        let fault = || -> Fault { shared_fault(error.clone()) };
        for append in self.appends {
            let _gone = append.answer.send(Err(AppendError::Fault(fault())));
        }
        for mark in self.marks {
            let _gone = mark.answer.send(Err(fault()));
        }
    }
}
