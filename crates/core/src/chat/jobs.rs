//! What every queue of jobs has: a backlog that is shown, and attempts that are settled.

use super::Chat;
use crate::{
    labels::Queue,
    port::{Backlog, Fault, Job, Settlement},
};

impl Chat {
    /// Looks how much waits in a queue, and shows it.
    pub(super) async fn look_at_queue(&self, name: &str, label: Queue) -> Result<Backlog, Fault> {
        let backlog = self.ports.jobs.backlog(name).await?;
        let (queues, now) = (&self.metrics().queues, self.clock().now());
        let age = backlog.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        queues.pending.set(backlog.pending, label);
        queues.oldest_age.set(age, label);
        Ok(backlog)
    }

    /// Says what became of an attempt. One that came too late has changed nothing.
    pub(super) async fn settle(&self, job: &Job, outcome: Settlement) -> Result<(), Fault> {
        self.ports.jobs.settle(job.id, job.attempts, outcome).await.map(drop)
    }
}
