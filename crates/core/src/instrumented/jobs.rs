//! The job queue, measured.

use super::{Instrumented, StoreCall};
use crate::{
    port::{Backlog, Fault, Job, JobId, JobQueue, NewJob, Settlement},
    time::Timestamp,
};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl JobQueue for Instrumented<dyn JobQueue> {
    async fn push(&self, jobs: &[NewJob]) -> Result<(), Fault> {
        self.gauge.count(StoreCall::JobsPut, self.inner.push(jobs)).await
    }

    async fn take(
        &self,
        queue: &str,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        self.gauge.count(StoreCall::JobsGet, self.inner.take(queue, now, lease, limit)).await
    }

    async fn settle(&self, job: JobId, attempt: u32, outcome: Settlement) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::JobsDelete, self.inner.settle(job, attempt, outcome)).await
    }

    async fn dead(
        &self,
        queue: &str,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        self.gauge.count(StoreCall::JobsScan, self.inner.dead(queue, after, limit)).await
    }

    async fn revive(&self, jobs: &[JobId], now: Timestamp) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::JobsPut, self.inner.revive(jobs, now)).await
    }

    async fn backlog(&self, queue: &str) -> Result<Backlog, Fault> {
        self.gauge.count(StoreCall::JobsQuery, self.inner.backlog(queue)).await
    }
}
