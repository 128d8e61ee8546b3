//! Webhooks: telling applications over HTTP what happens in their channels.
//!
//! What happens is noted in a bounded queue in memory, which nobody waits for;
//! [`Chat::queue_webhooks`] makes durable jobs of it at once, and [`Chat::tell_webhooks`] does
//! them, on any node. What is a job is told at least once, or can be looked at and told again.

mod noting;
mod delivering;
mod pause;
mod tally;
mod turns;
mod task;

use super::Chat;
use crate::{
    channel::{AppId, Channel},
    labels::{WebhookEvent, WebhookFailure},
    limits::{WEBHOOKS_NOTED_MAX, WEBHOOKS_NOTED_PER_APP},
    pace::Pace,
    port::{Backlog, Fault, JobId, NewJob, Verdict, WebhookService},
    time::{Moment, Timestamp},
    webhook::{Happening, Hook, HookId, Hooks},
};
use pause::Pauses;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};
use tally::Tally;
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

/// A webhook, and how its receiver does.
#[derive(Clone, Debug)]
pub struct HookSeen {
    /// Which.
    pub hook: Hook,
    /// Until when this node leaves the receiver alone, where it did not do well of late.
    pub resting_until: Option<Timestamp>,
}

/// What has happened and is not queued yet.
pub(super) struct Noted {
    sender: mpsc::Sender<Happening>,
    /// Of each application.
    paces: std::sync::Mutex<HashMap<AppId, Pace>>,
    unqueued: Mutex<Unqueued>,
    /// Somebody has made jobs.
    queued: Notify,
    tally: Tally,
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
            tally: Tally::default(),
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

    /// Forgets what was known of applications and webhooks that are gone: ids may be new for ever.
    fn forget_unknown(&self, hooks: &Hooks) {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        paces.retain(|app, _| hooks.are_of(app));
        self.pauses.retain(|id| hooks.find(id).is_some());
    }
}

impl Chat {
    /// Whether an application is told of such events.
    pub(crate) fn is_wanted(&self, channel: &Channel, event: WebhookEvent) -> bool {
        let webhooks = self.ports.webhooks.as_ref();
        webhooks.is_some_and(|webhooks| webhooks.hooks.is_wanted(channel.app(), event))
    }

    /// How much waits, and how much was given up, over all nodes.
    pub async fn webhook_backlog(&self) -> Result<Backlog, Fault> {
        self.ports.jobs.backlog(QUEUE).await
    }

    /// The webhooks of all applications, by application.
    pub fn hooks_seen(&self) -> Vec<HookSeen> {
        let now = self.clock().now();
        let hooks = self.ports.webhooks.iter().flat_map(|webhooks| webhooks.hooks.all());
        let seen = hooks.map(|hook| {
            let resting_until = self.noted.pauses.until(&hook.id, now);
            HookSeen { hook, resting_until }
        });
        let mut seen: Vec<HookSeen> = seen.collect();
        seen.sort_by(|one, other| one.hook.id.cmp(&other.hook.id));
        seen
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
            self.noted.tally.revived(revived);
            self.noted.queued.notify_one();
        }
        Ok(revived)
    }

    fn count_webhook(&self, event: WebhookEvent, reason: WebhookFailure) {
        self.metrics().webhooks.failed.increment(event, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Hook;
    use std::time::Duration;

    #[test]
    fn what_is_gone_is_forgotten() {
        let hook = |app: &str| Hook {
            id: HookId { app: AppId::parse(app).unwrap(), url: "https://a.example/".into() },
            events: Vec::new(),
            rooms: Vec::new(),
            direct_bodies: false,
            linger: Duration::ZERO,
            retry_time: Duration::ZERO,
            batch_max: 1,
            since: None,
        };
        let (shop, forum) = (hook("shop"), hook("forum"));
        let noted = Noted::default();
        for hook in [&shop, &forum] {
            assert!(noted.keeps_pace(&hook.id.app, Moment::default()));
            noted.pauses.rest(&hook.id, Timestamp(7));
        }
        let hooks = Hooks::default();
        hooks.replace([shop.clone()], [forum.id.app.clone()]);
        noted.forget_unknown(&hooks);
        assert_eq!(noted.pauses.until(&shop.id, Timestamp(0)), Some(Timestamp(7)));
        assert_eq!(noted.pauses.until(&forum.id, Timestamp(0)), None);
        let paces = noted.paces.lock().unwrap();
        assert_eq!(paces.keys().collect::<Vec<_>>(), [&shop.id.app]);
    }
}
