//! What is asked of the database: named, timed, tried again where that is safe.

use crate::{
    connector::Connector,
    fault::{self, class, ends_connection, kind, may_try_again},
    metrics::{Measured, Statement},
    pool::Pool,
};
use async_trait::async_trait;
use campanile_core::port::{Fault, FaultKind};
use sqlx::{AssertSqlSafe, Error, PgConnection, raw_sql};
use std::{
    io,
    time::{Duration, Instant},
};

/// How often something is tried that collides with others.
const ATTEMPTS_MAX: u32 = 6;

/// How much longer the database may take than it was told, before it is given up.
const GRACE: Duration = Duration::from_secs(1);

/// Something to ask. It is asked again from the start where it has to be.
#[async_trait]
pub(crate) trait Work: Sync {
    /// What comes of it, refusals included. Whoever refuses has changed nothing.
    type Answer: Send;

    /// Its name.
    const STATEMENT: Statement;

    /// Asks.
    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error>;
}

/// How something failed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether it may have been done all the same.
    pub(crate) in_doubt: bool,
}

/// Asks the database.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) pool: Pool,
    pub(crate) connector: Connector,
    pub(crate) measured: Measured,
    pub(crate) wait_max: Duration,
    pub(crate) slow_after: Duration,
}

/// How much of a transaction something needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// None: it is one statement, or some that need not agree.
    Reading,
    /// One.
    Transaction,
}

impl Worker {
    /// Reads.
    pub(crate) async fn read<W: Work>(&self, work: W) -> Result<W::Answer, Fault> {
        self.ask(&work, Scope::Reading).await.map_err(fault::fault)
    }

    /// Changes, in one transaction.
    pub(crate) async fn change<W: Work>(&self, work: W) -> Result<W::Answer, Fault> {
        self.ask(&work, Scope::Transaction).await.map_err(fault::fault)
    }

    async fn ask<W: Work>(&self, work: &W, scope: Scope) -> Result<W::Answer, Error> {
        let mut attempt = 1;
        loop {
            let mut lease = self.pool.acquire().await?;
            let failure = match self.attempt(lease.connection(), work, scope).await {
                Ok(answer) => {
                    lease.give_back();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let Failure { error, in_doubt } = failure;
            if ends_connection(&error) {
                lease.give_up(&error);
            } else {
                lease.give_back();
            }
            // Whoever only reads may always ask again; a connection that lay idle breaks when it
            // is used next.
            let broken = kind(&error) == FaultKind::Connection
                && (scope == Scope::Reading || !in_doubt)
                && attempt < 3;
            if !(broken || may_try_again(&error) && !in_doubt && attempt < ATTEMPTS_MAX) {
                return Err(error);
            }
            if !broken {
                pause(attempt).await;
            }
            attempt += 1;
        }
    }

    /// Asks in one transaction over this connection. After an error that does not end the
    /// connection, nothing is open on it.
    pub(crate) async fn transact<W: Work>(
        &self,
        connection: &mut PgConnection,
        work: &W,
    ) -> Result<W::Answer, Failure> {
        self.attempt(connection, work, Scope::Transaction).await
    }

    async fn attempt<W: Work>(
        &self,
        connection: &mut PgConnection,
        work: &W,
        scope: Scope,
    ) -> Result<W::Answer, Failure> {
        let started = Instant::now();
        let made = tokio::time::timeout(self.wait_max + GRACE, self.make(connection, work, scope));
        let made = made.await.unwrap_or_else(|_| {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the database does not answer");
            Err(Failure { error: Error::Io(late), in_doubt: true })
        });
        let took = started.elapsed();
        let Measured { driver, own, .. } = &self.measured;
        if took >= self.slow_after {
            own.slow_statements.increment(*driver, W::STATEMENT);
            let (statement, duration_ms) = (W::STATEMENT.name(), took.as_millis() as u64);
            tracing::warn!(statement, duration_ms, "slow statement");
        }
        if let Err(Failure { error, .. }) = &made
            && let Some(class) = class(error)
        {
            own.sqlstate_errors.increment(*driver, class);
        }
        made
    }

    async fn make<W: Work>(
        &self,
        connection: &mut PgConnection,
        work: &W,
        scope: Scope,
    ) -> Result<W::Answer, Failure> {
        let undone = |error| Failure { error, in_doubt: false };
        if scope == Scope::Reading && !self.connector.lent {
            return work.run(connection).await.map_err(undone);
        }
        let begin = AssertSqlSafe(self.connector.begin.clone());
        raw_sql(begin).execute(&mut *connection).await.map_err(undone)?;
        match work.run(&mut *connection).await {
            Ok(answer) => {
                let committed = raw_sql(self.connector.commit).execute(connection).await;
                committed.map(|_| answer).map_err(|error| {
                    // What the database refuses it has not done; what it does not answer it may.
                    let in_doubt = match fault::sqlstate(&error) {
                        Some(_) => kind(&error) == FaultKind::Connection,
                        None => true,
                    };
                    Failure { error, in_doubt }
                })
            }
            Err(error) => {
                if ends_connection(&error) {
                    return Err(undone(error));
                }
                match raw_sql(self.connector.rollback).execute(connection).await {
                    Ok(_) => Err(undone(error)),
                    Err(broken) => Err(undone(broken)),
                }
            }
        }
    }
}

/// Lets whoever was in the way get on, each for another while.
pub(crate) async fn pause(attempt: u32) {
    let most = 4_u64 << attempt;
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=most))).await;
}
