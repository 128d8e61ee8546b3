//! Jobs: the queue as a table from which each taker takes rows that no other has locked.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, limit_number},
    work::Work,
};
use async_trait::async_trait;
use bytes::Bytes;
use campanile_core::{
    port::{Backlog, Fault, Job, JobId, JobQueue, NewJob, Settlement},
    time::Timestamp,
};
use sqlx::{Error, PgConnection, postgres::PgRow, query};
use std::time::Duration;

#[async_trait]
impl JobQueue for PostgresStore {
    async fn push(&self, jobs: &[NewJob]) -> Result<(), Fault> {
        self.worker().change(Push(jobs)).await
    }

    async fn take(
        &self,
        queue: &str,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        self.worker().change(Take { queue, now, lease, limit }).await
    }

    async fn settle(&self, job: JobId, attempt: u32, outcome: Settlement) -> Result<bool, Fault> {
        self.worker().change(Settle { job, attempt, outcome }).await
    }

    async fn dead(
        &self,
        queue: &str,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        self.worker().read(Dead { queue, after, limit }).await
    }

    async fn revive(&self, jobs: &[JobId], now: Timestamp) -> Result<u64, Fault> {
        self.worker().change(Revive { jobs, now }).await
    }

    async fn backlog(&self, queue: &str) -> Result<Backlog, Fault> {
        self.worker().read(Count(queue)).await
    }
}

struct Push<'a>(&'a [NewJob]);

#[async_trait]
impl Work for Push<'_> {
    type Answer = ();
    const STATEMENT: Statement = Statement::JobPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let queues: Vec<&str> = self.0.iter().map(|job| job.queue.as_str()).collect();
        let payloads: Vec<&[u8]> = self.0.iter().map(|job| &job.payload[..]).collect();
        let given_at: Vec<i64> = self.0.iter().map(|job| job.given_at.0).collect();
        let due: Vec<i64> = self.0.iter().map(|job| job.due.0).collect();
        query(
            "INSERT INTO jobs (queue, payload, given_at, due) \
             SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::bigint[], $4::bigint[])",
        )
        .bind(queues)
        .bind(payloads)
        .bind(given_at)
        .bind(due)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Take<'a> {
    queue: &'a str,
    now: Timestamp,
    lease: Duration,
    limit: usize,
}

#[async_trait]
impl Work for Take<'_> {
    type Answer = Vec<Job>;
    const STATEMENT: Statement = Statement::JobPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<Job>, Error> {
        let found = query(
            "WITH next AS MATERIALIZED (SELECT id, due FROM jobs WHERE queue = $1 AND due <= $2 \
             ORDER BY due, id LIMIT $3 FOR UPDATE SKIP LOCKED), \
             taken AS (UPDATE jobs j SET due = $4, attempts = attempts + 1 FROM next \
             WHERE j.id = next.id RETURNING j.*, next.due AS was) \
             SELECT id, payload, given_at, attempts, error FROM taken ORDER BY was, id",
        )
        .bind(self.queue)
        .bind(self.now.0)
        .bind(limit_number(self.limit))
        .bind(self.now.plus(self.lease).0)
        .fetch_all(connection)
        .await?;
        found.iter().map(job).collect()
    }
}

struct Settle {
    job: JobId,
    attempt: u32,
    outcome: Settlement,
}

#[async_trait]
impl Work for Settle {
    type Answer = bool;
    const STATEMENT: Statement = Statement::JobPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let (id, attempt) = (number(self.job), i64::from(self.attempt));
        let change = match &self.outcome {
            Settlement::Done => {
                query("DELETE FROM jobs WHERE id = $1 AND attempts = $2 AND due IS NOT NULL")
                    .bind(id)
                    .bind(attempt)
            }
            Settlement::Retry { at, error } => query(
                "UPDATE jobs SET due = $3, error = $4 \
                 WHERE id = $1 AND attempts = $2 AND due IS NOT NULL",
            )
            .bind(id)
            .bind(attempt)
            .bind(at.0)
            .bind(error.as_bytes()),
            Settlement::Dead { error } => query(
                "UPDATE jobs SET due = NULL, error = $3 \
                 WHERE id = $1 AND attempts = $2 AND due IS NOT NULL",
            )
            .bind(id)
            .bind(attempt)
            .bind(error.as_bytes()),
        };
        Ok(change.execute(connection).await?.rows_affected() > 0)
    }
}

struct Dead<'a> {
    queue: &'a str,
    after: Option<JobId>,
    limit: usize,
}

#[async_trait]
impl Work for Dead<'_> {
    type Answer = Vec<Job>;
    const STATEMENT: Statement = Statement::JobGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<Job>, Error> {
        let found = query(
            "SELECT id, payload, given_at, attempts, error FROM jobs \
             WHERE queue = $1 AND due IS NULL AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(self.queue)
        .bind(self.after.map_or(0, number))
        .bind(limit_number(self.limit))
        .fetch_all(connection)
        .await?;
        found.iter().map(job).collect()
    }
}

struct Revive<'a> {
    jobs: &'a [JobId],
    now: Timestamp,
}

#[async_trait]
impl Work for Revive<'_> {
    type Answer = u64;
    const STATEMENT: Statement = Statement::JobPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Error> {
        let ids: Vec<i64> = self.jobs.iter().copied().map(number).collect();
        let revived =
            query("UPDATE jobs SET due = $2, attempts = 0 WHERE id = ANY ($1) AND due IS NULL")
                .bind(ids)
                .bind(self.now.0)
                .execute(connection)
                .await?;
        Ok(revived.rows_affected())
    }
}

struct Count<'a>(&'a str);

#[async_trait]
impl Work for Count<'_> {
    type Answer = Backlog;
    const STATEMENT: Statement = Statement::JobGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Backlog, Error> {
        let found = query(
            "SELECT count(due), count(*) - count(due), \
             min(given_at) FILTER (WHERE due IS NOT NULL) FROM jobs WHERE queue = $1",
        )
        .bind(self.0)
        .fetch_one(connection)
        .await?;
        let mut columns = Columns::of(&found);
        Ok(Backlog {
            pending: columns.count()?,
            dead: columns.count()?,
            oldest: columns.optional_time()?,
        })
    }
}

/// The id as the database keeps it. There is none so high as not to fit.
fn number(id: JobId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn job(row: &PgRow) -> Result<Job, Error> {
    let mut columns = Columns::of(row);
    Ok(Job {
        id: JobId(columns.count()?),
        payload: Bytes::from(columns.take::<Vec<u8>>()?),
        given_at: columns.time()?,
        attempts: columns.take::<i32>()?.unsigned_abs(),
        error: columns.text()?.to_owned(),
    })
}
