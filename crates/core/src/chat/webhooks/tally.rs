//! How many jobs there are, without counting them each time: what the store said last, and what this
//! node has done since.

use crate::{
    port::{Backlog, Settlement},
    time::Moment,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often the store counts: it reads every job for it.
const COUNTED_EVERY: Duration = Duration::from_secs(5);

/// What is known of the queue.
#[derive(Default)]
pub(super) struct Tally(Mutex<Known>);

#[derive(Default)]
struct Known {
    backlog: Backlog,
    counted: Option<Moment>,
}

impl Tally {
    /// Whether it is time for the store to count. Of those who ask at once, one does.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let mut known = self.known();
        let is_due = known.counted.is_none_or(|counted| now.since(counted) >= COUNTED_EVERY);
        if is_due {
            known.counted = Some(now);
        }
        is_due
    }

    /// The store could not count: the next who asks tries again.
    pub(super) fn failed(&self) {
        self.known().counted = None;
    }

    /// What the store has counted.
    pub(super) fn counted(&self, backlog: Backlog) {
        self.known().backlog = backlog;
    }

    /// What there is, as far as this node knows.
    pub(super) fn backlog(&self) -> Backlog {
        self.known().backlog
    }

    /// Whether there are no jobs, as far as this node knows; not before they were counted.
    pub(super) fn is_empty(&self) -> bool {
        let known = self.known();
        known.counted.is_some() && known.backlog.pending == 0
    }

    /// Jobs were made.
    pub(super) fn added(&self, count: u64) {
        self.known().backlog.pending += count;
    }

    /// Jobs that were given up are to be done again.
    pub(super) fn revived(&self, count: u64) {
        let backlog = &mut self.known().backlog;
        backlog.dead = backlog.dead.saturating_sub(count);
        backlog.pending += count;
    }

    /// A job of this node was settled so.
    pub(super) fn settled(&self, outcome: &Settlement) {
        let backlog = &mut self.known().backlog;
        match outcome {
            Settlement::Done => {}
            Settlement::Retry { .. } => return,
            Settlement::Dead { .. } => backlog.dead += 1,
        }
        backlog.pending = backlog.pending.saturating_sub(1);
        if backlog.pending == 0 {
            backlog.oldest = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
