//! Jobs are done: applications are told what happened.

use super::{Chat, QUEUE, Task, pause};
use crate::{
    labels::{JobFailure, Queue, WebhookFailure},
    limits::{WEBHOOKS_AT_ONCE, WEBHOOKS_TAKEN_MAX},
    port::{Fault, Job, Settlement, WebhookError},
    time::Timestamp,
    webhook::{Happening, Hook, HookId, What},
};
use futures_util::future::join_all;
use std::{pin::pin, time::Duration};
use tokio::time::timeout;

/// How long a node may take for what it has taken before another node tries: longer than requests
/// that are answered within [`SLOW`], and one that is not. What a node was doing that was killed is
/// done after that time.
const LEASE: Duration = Duration::from_secs(20);

/// A receiver that takes longer is given as long a rest: others are not to wait for it.
pub(super) const SLOW: Duration = Duration::from_secs(1);

/// How long one that does not answer is left alone by others who have jobs for it: longer than a
/// request may take.
const UNANSWERED: Duration = Duration::from_secs(10);

/// How long one waits that is not known here, but may be to another node, whose settings are others.
const RETRY_TIME: Duration = Duration::from_secs(300);

/// The same where all nodes know the same, though some later: longer than nodes look whether there is
/// something new.
const LATE: Duration = Duration::from_secs(15);

/// How far the clocks of nodes may be apart.
const SKEW: Duration = Duration::from_secs(5);

/// A job, and what it says.
struct Letter {
    job: Job,
    happening: Happening,
}

impl Chat {
    /// Ends when this node has made jobs, whether or not anybody waited for it.
    pub async fn webhooks_queued(&self) {
        self.noted.queued.notified().await;
    }

    /// Tells applications some of what is due, from any node; how many jobs it looked at. For the
    /// server to call again and again.
    pub async fn deliver_webhooks(&self) -> Result<usize, Fault> {
        let Some(webhooks) = &self.ports.webhooks else {
            return Ok(0);
        };
        self.noted.forget_unknown(&webhooks.hooks);
        self.count_now_and_then().await?;
        let jobs =
            self.ports.jobs.take(QUEUE, self.clock().now(), LEASE, WEBHOOKS_TAKEN_MAX).await?;
        let count = jobs.len();
        let mut by_hook: Vec<(HookId, Vec<Letter>)> = Vec::new();
        for job in jobs {
            let Some(Task { hook, happening }) = Task::decode(&job.payload) else {
                self.bury(&job, JobFailure::Decode, "it cannot be read").await?;
                continue;
            };
            let letter = Letter { job, happening };
            match by_hook.iter_mut().find(|(id, _)| *id == hook) {
                Some((_, letters)) => letters.push(letter),
                None => by_hook.push((hook, vec![letter])),
            }
        }
        let told = by_hook.into_iter().map(|(id, letters)| {
            let hook = webhooks.hooks.find(&id);
            let patience = if webhooks.hooks.are_shared(&id.app) { LATE } else { RETRY_TIME };
            async move {
                match hook {
                    Some(hook) => self.tell_hook(&hook, letters).await,
                    None => self.tell_nobody(letters, patience).await,
                }
            }
        });
        let told = join_all(told).await;
        self.metrics().queues.pending.set(self.noted.tally.backlog().pending, Queue::Webhook);
        told.into_iter().collect::<Result<Vec<()>, Fault>>()?;
        Ok(count)
    }

    /// Has the store count the jobs of all nodes, if it has not for a while.
    async fn count_now_and_then(&self) -> Result<(), Fault> {
        let tally = &self.noted.tally;
        if tally.is_due(self.clock().moment()) {
            let counted = self.look_at_queue(QUEUE, Queue::Webhook).await;
            tally.counted(counted.inspect_err(|_| tally.failed())?);
        }
        Ok(())
    }

    /// Tells one webhook what is for it, some requests at once, until one fails.
    async fn tell_hook(&self, hook: &Hook, letters: Vec<Letter>) -> Result<(), Fault> {
        let letters = self.of_this_application(hook, letters).await?;
        let letters = self.still_true(letters).await?;
        let mut requests = letters.chunks(hook.batch_max.max(1)).peekable();
        while requests.peek().is_some() {
            let now = self.clock().now();
            if let Some(until) = self.noted.pauses.until(&hook.id, now) {
                // Together: one after the other would keep those of other receivers waiting.
                let put_off = requests.flatten();
                let put_off = put_off.map(|letter| self.put_off(&letter.job, until, None));
                return join_all(put_off).await.into_iter().collect();
            }
            let started = self.clock().moment();
            let told = requests.by_ref().take(WEBHOOKS_AT_ONCE);
            let told = told.map(|letters| self.ask_receiver(hook, letters));
            self.answered(hook, join_all(told))
                .await
                .into_iter()
                .collect::<Result<Vec<()>, _>>()?;
            let took = self.clock().moment().since(started);
            if took > SLOW {
                self.noted.pauses.rest(&hook.id, self.clock().now().plus(took));
            }
        }
        Ok(())
    }

    /// The webhook is gone, or its application is, or this node does not know of it yet: for a while
    /// it is left to a node that does. Then nobody wants to hear of it, and nobody gave it up.
    async fn tell_nobody(&self, letters: Vec<Letter>, patience: Duration) -> Result<(), Fault> {
        for Letter { job, happening } in letters {
            let now = self.clock().now();
            let waited = pause::so_far(job.attempts).min(now.since(job.given_at));
            if waited < patience {
                self.put_off(&job, now.plus(pause::after(job.attempts)), None).await?;
            } else {
                self.drop_unwanted(&Letter { job, happening }).await?;
            }
        }
        Ok(())
    }

    /// Without those of an application that had this id before.
    async fn of_this_application(
        &self,
        hook: &Hook,
        letters: Vec<Letter>,
    ) -> Result<Vec<Letter>, Fault> {
        let Some(since) = hook.since else { return Ok(letters) };
        let is_older = |letter: &Letter| letter.happening.at.plus(SKEW) < since;
        let (older, letters): (Vec<_>, Vec<_>) = letters.into_iter().partition(is_older);
        for letter in older {
            self.drop_unwanted(&letter).await?;
        }
        Ok(letters)
    }

    /// Counted as not told, for want of somebody to tell.
    async fn drop_unwanted(&self, letter: &Letter) -> Result<(), Fault> {
        self.count_webhook(letter.happening.what.event(), WebhookFailure::Signature);
        self.metrics().queues.processed.increment(Queue::Webhook);
        self.finish(&letter.job, Settlement::Done).await
    }

    /// Waits for a receiver. When it takes long, others who have something for it do not ask.
    async fn answered<T>(&self, hook: &Hook, asked: impl Future<Output = T>) -> T {
        let mut asked = pin!(asked);
        if let Ok(answered) = timeout(SLOW, &mut asked).await {
            return answered;
        }
        self.noted.pauses.await_answer(&hook.id, self.clock().now().plus(UNANSWERED));
        let answered = asked.await;
        self.noted.pauses.answered(&hook.id);
        answered
    }

    /// Without those who have come back meanwhile.
    async fn still_true(&self, letters: Vec<Letter>) -> Result<Vec<Letter>, Fault> {
        let mut left = Vec::new();
        for letter in letters {
            let Happening { channel, what, .. } = &letter.happening;
            let is_back = match what {
                What::Vacated => self.ports.channels.look(channel).await?.subscriptions > 0,
                What::MemberRemoved(user) => {
                    let seen = self.ports.channels.look(channel).await?;
                    seen.members.iter().any(|member| member.user == *user)
                }
                _ => false,
            };
            if is_back {
                self.metrics().queues.processed.increment(Queue::Webhook);
                self.finish(&letter.job, Settlement::Done).await?;
            } else {
                left.push(letter);
            }
        }
        Ok(left)
    }

    /// One request.
    async fn ask_receiver(&self, hook: &Hook, letters: &[Letter]) -> Result<(), Fault> {
        let happenings: Vec<Happening> =
            letters.iter().map(|letter| letter.happening.clone()).collect();
        let started = self.clock().moment();
        let Some(webhooks) = &self.ports.webhooks else { return Ok(()) };
        let delivered = webhooks.service.deliver(&hook.id, &happenings).await;
        let took = self.clock().moment().since(started);
        for letter in letters {
            let (metrics, event) = (self.metrics(), letter.happening.what.event());
            metrics.webhooks.duration.observe(took, event);
            metrics.queues.duration.observe(took, Queue::Webhook);
            match &delivered {
                Ok(()) => {
                    metrics.webhooks.sent.increment(event);
                    metrics.queues.processed.increment(Queue::Webhook);
                    self.finish(&letter.job, Settlement::Done).await?;
                }
                Err(error) => {
                    self.count_webhook(event, error.kind);
                    self.try_again(hook, &letter.job, error).await?;
                }
            }
        }
        if delivered.is_ok() {
            self.noted.pauses.end(&hook.id);
        }
        Ok(())
    }

    async fn try_again(&self, hook: &Hook, job: &Job, error: &WebhookError) -> Result<(), Fault> {
        let reason = match error.kind {
            WebhookFailure::Timeout => JobFailure::Timeout,
            _ => JobFailure::Handler,
        };
        self.metrics().queues.failed.increment(Queue::Webhook, reason);
        // Being put off is an attempt too, but no time that was waited.
        let waited = self.clock().now().since(job.given_at);
        if pause::so_far(job.attempts) >= hook.retry_time && waited >= hook.retry_time {
            return self.bury(job, JobFailure::Exhausted, &error.reason).await;
        }
        let until = self.clock().now().plus(pause::after(job.attempts));
        let until = self.noted.pauses.rest(&hook.id, until);
        self.put_off(job, until, Some(error)).await
    }

    async fn put_off(
        &self,
        job: &Job,
        until: Timestamp,
        error: Option<&WebhookError>,
    ) -> Result<(), Fault> {
        self.metrics().queues.retried.increment(Queue::Webhook);
        let at = self.noted.pauses.scatter(job, until, self.clock().now());
        let error = error.map_or_else(|| job.error.clone(), |error| error.reason.clone());
        self.finish(job, Settlement::Retry { at, error }).await
    }

    /// Gives a job up. It can be looked at and told again, unless there are too many such.
    async fn bury(&self, job: &Job, reason: JobFailure, error: &str) -> Result<(), Fault> {
        let queues = &self.metrics().queues;
        queues.failed.increment(Queue::Webhook, reason);
        queues.given_up.increment(Queue::Webhook);
        let outcome = match self.noted.tally.backlog().dead < self.limits().webhook_dead_max {
            true => Settlement::Dead { error: error.to_owned() },
            false => Settlement::Done,
        };
        self.finish(job, outcome).await
    }

    /// Says what became of an attempt. One that came too late has changed nothing.
    async fn finish(&self, job: &Job, outcome: Settlement) -> Result<(), Fault> {
        if self.ports.jobs.settle(job.id, job.attempts, outcome.clone()).await? {
            self.noted.tally.settled(&outcome);
        }
        Ok(())
    }
}
