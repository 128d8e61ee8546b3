//! Jobs: the queue as a table.

use crate::{
    SqliteStore,
    fault::fault,
    rows::{Columns, limit_number},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use bytes::Bytes;
use campanile_core::{
    port::{Backlog, Fault, Job, JobId, JobQueue, NewJob, Settlement},
    time::Timestamp,
};
use sqlx::{Error, query, sqlite::SqliteRow};
use std::time::Duration;

/// What [`job`] reads.
macro_rules! job_columns {
    () => {
        "id, payload, given_at, attempts, error"
    };
}

#[async_trait]
impl JobQueue for SqliteStore {
    async fn push(&self, jobs: &[NewJob]) -> Result<(), Fault> {
        self.writer().change(Push(jobs.to_vec())).await
    }

    async fn take(
        &self,
        queue: &str,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        self.writer().change(Take { queue: queue.to_owned(), now, lease, limit }).await
    }

    async fn settle(&self, job: JobId, attempt: u32, outcome: Settlement) -> Result<bool, Fault> {
        self.writer().change(Settle { job, attempt, outcome }).await
    }

    async fn dead(
        &self,
        queue: &str,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(concat!(
            "SELECT ",
            job_columns!(),
            " FROM jobs WHERE queue = ?1 AND due IS NULL AND id > ?2 ORDER BY id LIMIT ?3"
        ))
        .bind(queue.to_owned())
        .bind(after.map_or(0, number))
        .bind(limit_number(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        found.iter().map(job).collect::<Result<_, _>>().map_err(fault)
    }

    async fn revive(&self, jobs: &[JobId], now: Timestamp) -> Result<u64, Fault> {
        self.writer().change(Revive { jobs: jobs.to_vec(), now }).await
    }

    async fn backlog(&self, queue: &str) -> Result<Backlog, Fault> {
        let mut reader = self.reader().await?;
        let found = query(
            "SELECT count(due), count(*) - count(due), min(given_at) FILTER (WHERE due NOT NULL) \
             FROM jobs WHERE queue = ?1",
        )
        .bind(queue.to_owned())
        .fetch_one(&mut *reader)
        .await
        .map_err(fault)?;
        backlog(&found).map_err(fault)
    }
}

struct Push(Vec<NewJob>);

#[async_trait]
impl Change for Push {
    type Answer = ();

    async fn make(&self, ledger: &mut Ledger) -> Result<(), Error> {
        for new in &self.0 {
            query("INSERT INTO jobs (queue, payload, given_at, due) VALUES (?1, ?2, ?3, ?4)")
                .bind(new.queue.clone())
                .bind(new.payload.to_vec())
                .bind(new.given_at.0)
                .bind(new.due.0)
                .execute(ledger.connection())
                .await?;
        }
        Ok(())
    }
}

struct Take {
    queue: String,
    now: Timestamp,
    lease: Duration,
    limit: usize,
}

#[async_trait]
impl Change for Take {
    type Answer = Vec<Job>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Vec<Job>, Error> {
        let found = query(concat!(
            "SELECT ",
            job_columns!(),
            " FROM jobs WHERE queue = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?3"
        ))
        .bind(self.queue.clone())
        .bind(self.now.0)
        .bind(limit_number(self.limit))
        .fetch_all(ledger.connection())
        .await?;
        let mut jobs: Vec<Job> = found.iter().map(job).collect::<Result<_, _>>()?;
        for job in &mut jobs {
            job.attempts += 1;
            query("UPDATE jobs SET due = ?2, attempts = ?3 WHERE id = ?1")
                .bind(number(job.id))
                .bind(self.now.plus(self.lease).0)
                .bind(job.attempts)
                .execute(ledger.connection())
                .await?;
        }
        Ok(jobs)
    }
}

struct Settle {
    job: JobId,
    attempt: u32,
    outcome: Settlement,
}

#[async_trait]
impl Change for Settle {
    type Answer = bool;

    async fn make(&self, ledger: &mut Ledger) -> Result<bool, Error> {
        let (id, attempt) = (number(self.job), self.attempt);
        let change = match &self.outcome {
            Settlement::Done => {
                query("DELETE FROM jobs WHERE id = ?1 AND attempts = ?2 AND due NOT NULL")
                    .bind(id)
                    .bind(attempt)
            }
            Settlement::Retry { at, error } => query(
                "UPDATE jobs SET due = ?3, error = ?4 \
                 WHERE id = ?1 AND attempts = ?2 AND due NOT NULL",
            )
            .bind(id)
            .bind(attempt)
            .bind(at.0)
            .bind(error.clone()),
            Settlement::Dead { error } => query(
                "UPDATE jobs SET due = NULL, error = ?3 \
                 WHERE id = ?1 AND attempts = ?2 AND due NOT NULL",
            )
            .bind(id)
            .bind(attempt)
            .bind(error.clone()),
        };
        let changed = change.execute(ledger.connection()).await?;
        Ok(changed.rows_affected() > 0)
    }
}

struct Revive {
    jobs: Vec<JobId>,
    now: Timestamp,
}

#[async_trait]
impl Change for Revive {
    type Answer = u64;

    async fn make(&self, ledger: &mut Ledger) -> Result<u64, Error> {
        let mut revived = 0;
        for job in &self.jobs {
            let change =
                query("UPDATE jobs SET due = ?2, attempts = 0 WHERE id = ?1 AND due IS NULL")
                    .bind(number(*job))
                    .bind(self.now.0)
                    .execute(ledger.connection())
                    .await?;
            revived += change.rows_affected();
        }
        Ok(revived)
    }
}

/// The id as SQLite keeps it. There is none so high as not to fit.
fn number(id: JobId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn job(row: &SqliteRow) -> Result<Job, Error> {
    let mut columns = Columns::from(row, 0);
    Ok(Job {
        id: JobId(columns.take::<i64>()?.unsigned_abs()),
        payload: Bytes::from(columns.take::<Vec<u8>>()?),
        given_at: columns.time()?,
        attempts: columns.take()?,
        error: columns.take()?,
    })
}

fn backlog(row: &SqliteRow) -> Result<Backlog, Error> {
    let mut columns = Columns::from(row, 0);
    Ok(Backlog {
        pending: columns.take::<i64>()?.unsigned_abs(),
        dead: columns.take::<i64>()?.unsigned_abs(),
        oldest: columns.take::<Option<i64>>()?.map(Timestamp),
    })
}
