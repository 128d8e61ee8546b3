//! How long to wait before it is tried again.

use crate::{port::Job, time::Timestamp, webhook::HookId};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long to wait after the first failure; twice as long after each further one.
const FIRST: Duration = Duration::from_secs(1);

/// Longest time to wait.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait after so many attempts.
pub(super) fn after(attempts: u32) -> Duration {
    (FIRST * 2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST)
}

/// How long it was waited before this attempt, over all attempts.
pub(super) fn so_far(attempts: u32) -> Duration {
    let mut sum = Duration::ZERO;
    for attempt in 1..attempts {
        if after(attempt) == LONGEST {
            return sum + LONGEST * (attempts - attempt);
        }
        sum += after(attempt);
    }
    sum
}

/// Receivers that are left alone for a while, as they were asked of late and did not do well. Bounded
/// by the webhooks there are.
#[derive(Default)]
pub(super) struct Pauses {
    resting: Mutex<HashMap<HookId, Timestamp>>,
    /// Those that have been asked and take long to answer.
    awaited: Mutex<HashMap<HookId, Timestamp>>,
    hasher: RandomState,
}

impl Pauses {
    /// Until when a receiver is to be left alone, if it is.
    pub(super) fn until(&self, hook: &HookId, now: Timestamp) -> Option<Timestamp> {
        let resting = self.resting().get(hook).copied();
        let until = resting.max(self.awaited().get(hook).copied());
        until.filter(|until| *until > now)
    }

    /// A receiver takes long to answer: it is left alone until it has, and then at the latest.
    pub(super) fn await_answer(&self, hook: &HookId, until: Timestamp) {
        self.awaited().insert(hook.clone(), until);
    }

    /// It has answered, or never will.
    pub(super) fn answered(&self, hook: &HookId) {
        self.awaited().remove(hook);
    }

    /// Leaves a receiver alone at least until then; until when now.
    pub(super) fn rest(&self, hook: &HookId, until: Timestamp) -> Timestamp {
        let mut resting = self.resting();
        let known = resting.entry(hook.clone()).or_insert(until);
        *known = until.max(*known);
        *known
    }

    /// It does well again.
    pub(super) fn end(&self, hook: &HookId) {
        self.resting().remove(hook);
    }

    /// Forgets all but these.
    pub(super) fn retain(&self, is_known: impl Fn(&HookId) -> bool) {
        self.resting().retain(|hook, _| is_known(hook));
    }

    /// When a job is tried again: at the time or up to a quarter later, so that they do not all come
    /// at once.
    pub(super) fn scatter(&self, job: &Job, until: Timestamp, now: Timestamp) -> Timestamp {
        let wait = until.since(now);
        let hash = self.hasher.hash_one((job.id, job.attempts)) % 1_000;
        until.plus(wait.mul_f64(hash as f64 / 4_000.0))
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<HookId, Timestamp>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<HookId, Timestamp>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        let seconds: Vec<u64> = (1..=9).map(|attempts| after(attempts).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(after(u32::MAX), LONGEST);
        for attempts in 1..20 {
            let sum: Duration = (1..attempts).map(after).sum();
            assert_eq!(so_far(attempts), sum, "{attempts}");
        }
        let _no_overflow = so_far(u32::MAX);
    }
}
