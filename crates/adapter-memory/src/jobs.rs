//! A job queue in memory, for tests.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    port::{Backlog, Fault, Job, JobId, JobQueue, NewJob, Settlement},
    time::Timestamp,
};
use std::{collections::BTreeMap, sync::Mutex, time::Duration};

/// Keeps jobs until the process ends.
#[derive(Debug, Default)]
pub struct MemoryJobs {
    jobs: Mutex<BTreeMap<JobId, Record>>,
}

#[derive(Debug)]
struct Record {
    queue: String,
    job: Job,
    /// `None` for a job that was given up.
    due: Option<Timestamp>,
}

#[async_trait]
impl JobQueue for MemoryJobs {
    async fn push(&self, new: &[NewJob]) -> Result<(), Fault> {
        let mut jobs = lock(&self.jobs);
        for new in new {
            let id = JobId(jobs.last_key_value().map_or(0, |(last, _)| last.0) + 1);
            let (payload, given_at) = (new.payload.clone(), new.given_at);
            let job = Job { id, payload, given_at, attempts: 0, error: String::new() };
            jobs.insert(id, Record { queue: new.queue.clone(), job, due: Some(new.due) });
        }
        Ok(())
    }

    async fn take(
        &self,
        queue: &str,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        let mut jobs = lock(&self.jobs);
        let due = |record: &&mut Record| {
            record.queue == queue && record.due.is_some_and(|due| due <= now)
        };
        let mut due: Vec<_> = jobs.values_mut().filter(due).collect();
        due.sort_by_key(|record| (record.due, record.job.id));
        let taken = due.into_iter().take(limit).map(|record| {
            record.due = Some(now.plus(lease));
            record.job.attempts += 1;
            record.job.clone()
        });
        Ok(taken.collect())
    }

    async fn settle(&self, id: JobId, attempt: u32, outcome: Settlement) -> Result<bool, Fault> {
        let mut jobs = lock(&self.jobs);
        let record = jobs.get_mut(&id).filter(|record| record.due.is_some());
        let Some(record) = record.filter(|record| record.job.attempts == attempt) else {
            return Ok(false);
        };
        match outcome {
            Settlement::Done => drop(jobs.remove(&id)),
            Settlement::Retry { at, error } => {
                record.due = Some(at);
                record.job.error = error;
            }
            Settlement::Dead { error } => {
                record.due = None;
                record.job.error = error;
            }
        }
        Ok(true)
    }

    async fn dead(
        &self,
        queue: &str,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        let jobs = lock(&self.jobs);
        let dead = jobs.values().filter(|record| record.queue == queue && record.due.is_none());
        let dead = dead.filter(|record| after.is_none_or(|after| record.job.id > after));
        Ok(dead.take(limit).map(|record| record.job.clone()).collect())
    }

    async fn revive(&self, ids: &[JobId], now: Timestamp) -> Result<u64, Fault> {
        let mut jobs = lock(&self.jobs);
        let mut revived = 0;
        for id in ids {
            if let Some(record) = jobs.get_mut(id).filter(|record| record.due.is_none()) {
                record.due = Some(now);
                record.job.attempts = 0;
                revived += 1;
            }
        }
        Ok(revived)
    }

    async fn backlog(&self, queue: &str) -> Result<Backlog, Fault> {
        let jobs = lock(&self.jobs);
        let mut backlog = Backlog::default();
        for record in jobs.values().filter(|record| record.queue == queue) {
            if record.due.is_none() {
                backlog.dead += 1;
                continue;
            }
            backlog.pending += 1;
            let given_at = record.job.given_at;
            backlog.oldest = Some(backlog.oldest.map_or(given_at, |oldest| oldest.min(given_at)));
        }
        Ok(backlog)
    }
}
