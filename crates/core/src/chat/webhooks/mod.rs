//! Webhooks: telling applications over HTTP what happens in their channels.
//!
//! What happens is noted in a bounded queue in memory, which nobody waits for;
//! [`Chat::queue_webhooks`] makes durable jobs of it at once, and [`Chat::deliver_webhooks`] does
//! them, on any node. What is a job is told at least once, or can be looked at and told again.

mod noting;
mod delivering;
mod pause;
mod task;

use super::Chat;
use crate::{
    channel::{AppId, Channel},
    labels::{WebhookEvent, WebhookFailure},
    limits::{WEBHOOKS_NOTED_MAX, WEBHOOKS_NOTED_PER_APP},
    pace::Pace,
    port::{Fault, JobId, NewJob, Verdict, WebhookService},
    time::{Moment, Timestamp},
    webhook::{Happening, HookId, Hooks},
};
use pause::Pauses;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, atomic::AtomicU64},
};
use task::Task;
use tokio::sync::{Mutex, Notify, mpsc};

/// The queue of jobs.
const QUEUE: &str = "webhook";

/// What applications are told over HTTP, and by whom.
#[derive(Clone)]
pub struct Webhooks {
    /// Who tells them.
    pub service: Arc<dyn WebhookService>,
    /// Which of them want to hear what.
    pub hooks: Arc<Hooks>,
}

/// A webhook that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadWebhook {
    /// Which.
    pub id: JobId,
    /// Why it was given up.
    pub error: String,
    /// Since when it had waited.
    pub given_at: Timestamp,
    /// Who was to be told of what; `None` where this server cannot read it.
    pub told: Option<(HookId, Happening)>,
}

/// What has happened and is not queued yet.
pub(super) struct Noted {
    sender: mpsc::Sender<Happening>,
    /// Of each application.
    paces: std::sync::Mutex<HashMap<AppId, Pace>>,
    unqueued: Mutex<Unqueued>,
    /// Somebody has made jobs.
    queued: Notify,
    /// Jobs of all nodes when they were last counted, and those that this node has made since.
    jobs: AtomicU64,
    pauses: Pauses,
}

/// On the way from one queue to the other. It stays here until it is there, whoever gives up.
struct Unqueued {
    receiver: mpsc::Receiver<Happening>,
    happenings: Vec<Happening>,
    jobs: Vec<(WebhookEvent, NewJob)>,
}

impl Default for Noted {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WEBHOOKS_NOTED_MAX);
        let unqueued = Unqueued { receiver, happenings: Vec::new(), jobs: Vec::new() };
        Self {
            sender,
            paces: std::sync::Mutex::default(),
            unqueued: Mutex::new(unqueued),
            queued: Notify::new(),
            jobs: AtomicU64::new(0),
            pauses: Pauses::default(),
        }
    }
}

impl Noted {
    /// Whether one more of an application may be noted.
    fn keeps_pace(&self, app: &AppId, now: Moment) -> bool {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(app.clone()).or_insert_with(|| Pace::new(WEBHOOKS_NOTED_PER_APP));
        pace.check(now) == Verdict::Allowed
    }
}

impl Chat {
    /// Whether an application is told of such events.
    pub(crate) fn is_wanted(&self, channel: &Channel, event: WebhookEvent) -> bool {
        let webhooks = self.ports.webhooks.as_ref();
        webhooks.is_some_and(|webhooks| webhooks.hooks.is_wanted(channel.app(), event))
    }

    /// Webhooks that were given up, by id from the one after `after`.
    pub async fn dead_webhooks(
        &self,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<DeadWebhook>, Fault> {
        let jobs = self.ports.jobs.dead(QUEUE, after, limit).await?;
        let dead = jobs.into_iter().map(|job| DeadWebhook {
            id: job.id,
            error: job.error,
            given_at: job.given_at,
            told: Task::decode(&job.payload).map(|task| (task.hook, task.happening)),
        });
        Ok(dead.collect())
    }

    /// Tells again what was given up; how many of them.
    pub async fn revive_webhooks(&self, ids: &[JobId]) -> Result<u64, Fault> {
        let revived = self.ports.jobs.revive(ids, self.clock().now()).await?;
        if revived > 0 {
            self.noted.queued.notify_one();
        }
        Ok(revived)
    }

    fn count_webhook(&self, event: WebhookEvent, reason: WebhookFailure) {
        self.metrics().webhooks.failed.increment(event, reason);
    }
}
