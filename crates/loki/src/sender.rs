//! The sender: one push after the other, each until it is settled.

use crate::{
    backoff::Backoff,
    ledger::Ledger,
    metrics::{Durations, PushStatus},
    push::{Pusher, Verdict},
    queue::{Push, Readiness},
    relay::Intake,
    works::lock,
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};

/// Sends what waits in the queue.
pub(crate) struct Sender {
    pub(crate) intake: Arc<Intake>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) pusher: Pusher,
    pub(crate) backoff: Backoff,
    pub(crate) linger: Duration,
    pub(crate) metrics: Arc<Mutex<Durations>>,
    /// True once nothing comes in any more: what waits goes at once, and the sender ends.
    pub(crate) is_last: watch::Receiver<bool>,
    pub(crate) streak: Streak,
}

/// What is told once until it changes.
#[derive(Default)]
pub(crate) struct Streak {
    is_away: bool,
    is_refusing: bool,
}

impl Sender {
    /// Sends until the queue is empty for good.
    pub(crate) async fn run(mut self) {
        while let Some(push) = self.next().await {
            let started = Instant::now();
            let verdict = self.pusher.push(push.body.clone()).await;
            self.observe(started.elapsed());
            self.streak.tell(&verdict);
            self.settle(push, verdict).await;
        }
    }

    /// The push whose turn it is, as soon as there is one.
    async fn next(&mut self) -> Option<Push> {
        loop {
            let is_last = *self.is_last.borrow_and_update();
            let linger = if is_last { Duration::ZERO } else { self.linger };
            let wait = match self.intake.with_queue(|queue| queue.readiness(linger)) {
                Readiness::Now => match self.intake.with_queue(|queue| queue.lease()) {
                    Some(push) => return Some(push),
                    None => continue,
                },
                Readiness::Empty if is_last => return None,
                Readiness::Empty => None,
                Readiness::At(time) => Some(time),
            };
            let ripe = async {
                match wait {
                    Some(time) => sleep_until(time.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ripe => {}
                () = self.intake.arrived.notified() => {}
                changed = self.is_last.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
            }
        }
    }

    /// Does with a push what its answer says.
    async fn settle(&mut self, push: Push, verdict: Verdict) {
        match verdict {
            Verdict::Accepted => {
                self.ledger.answered(PushStatus::Accepted, None);
                self.intake.with_queue(|queue| queue.sent(&push));
                self.backoff.reset();
            }
            Verdict::Refused { status, reason } => {
                let trouble = format!("it answers {status}: {reason}");
                self.ledger.answered(PushStatus::Refused, Some(trouble));
                self.intake.with_queue(|queue| queue.rejected());
                self.backoff.reset();
            }
            Verdict::Retry { status, reason, after } => {
                self.ledger.answered(status, Some(reason));
                self.intake.with_queue(|queue| queue.released());
                let wait = self.backoff.next(rand::random(), after);
                self.ledger.retried();
                // Whoever ends the shipper does not wait for that, once.
                tokio::select! {
                    () = sleep(wait) => {}
                    Ok(()) = self.is_last.changed() => self.backoff.reset(),
                }
            }
        }
    }

    fn observe(&self, duration: Duration) {
        lock(&self.metrics).observe(duration);
    }
}

impl Streak {
    /// Tells when the log store goes, comes back, or begins to refuse. The shipper's own lines are
    /// not shipped, but other layers write them.
    fn tell(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted => {
                if self.is_away {
                    tracing::info!("the log store takes lines again");
                }
                *self = Self::default();
            }
            Verdict::Refused { status, reason } => {
                if !self.is_refusing {
                    let status = status.as_u16();
                    tracing::warn!(status, %reason, "the log store refuses lines, they are dropped");
                }
                self.is_refusing = true;
            }
            Verdict::Retry { reason, .. } => {
                if !self.is_away {
                    tracing::warn!(%reason, "the log store does not take lines, they wait");
                }
                self.is_away = true;
            }
        }
    }
}
