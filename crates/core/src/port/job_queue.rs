//! The job queue: work that is done at least once, by one taker at a time.

use super::Fault;
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;

/// Keeps jobs until they are done. Each call is atomic and durable: a job is lost neither with its
/// giver nor with its taker.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Adds jobs, all or none.
    async fn push(&self, jobs: &[NewJob]) -> Result<(), Fault>;

    /// Takes up to `limit` jobs of a queue that are due at `now`, those due longest first. Nobody
    /// else is given one before `lease` has passed from `now`; then it is due again, since its
    /// taker may have died. Each time a job is taken is an attempt.
    async fn take(
        &self,
        queue: &str,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, Fault>;

    /// Says what became of an attempt. `false`, and nothing is changed, when the job was taken
    /// again meanwhile or is no longer there.
    async fn settle(&self, job: JobId, attempt: u32, outcome: Settlement) -> Result<bool, Fault>;

    /// Jobs of a queue that were given up, by id from the one after `after`.
    async fn dead(
        &self,
        queue: &str,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<Job>, Fault>;

    /// Makes jobs that were given up due at `now`, as if they had never been tried; how many.
    async fn revive(&self, jobs: &[JobId], now: Timestamp) -> Result<u64, Fault>;

    /// How much waits in a queue.
    async fn backlog(&self, queue: &str) -> Result<Backlog, Fault>;
}

/// A job's identity; later jobs have higher ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// A job to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Where it waits.
    pub queue: String,
    /// What is to be done, as giver and taker have agreed.
    pub payload: Bytes,
    /// From when on.
    pub due: Timestamp,
    /// When it was given.
    pub given_at: Timestamp,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// What is to be done.
    pub payload: Bytes,
    /// When it was given.
    pub given_at: Timestamp,
    /// How often it was taken.
    pub attempts: u32,
    /// Why the last attempt failed; empty before one did.
    pub error: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done: the job is gone.
    Done,
    /// It failed: the job is due again at this time.
    Retry {
        /// When.
        at: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// It failed and is given up.
    Dead {
        /// Why it failed.
        error: String,
    },
}

/// How much waits in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that wait or are being done.
    pub pending: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the oldest pending one was given.
    pub oldest: Option<Timestamp>,
}
