//! What a run has counted so far; every client adds to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::histogram::Histogram;

/// Kinds of refusals that are told apart; further ones are counted together.
const REFUSALS_MAX: usize = 200;

/// Unexpected answers that are told in words; further ones are only counted.
const SURPRISES_MAX: usize = 20;

/// Something that only rises.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.add_many(1);
    }

    /// So many more.
    pub fn add_many(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Something that rises and falls.
#[derive(Debug, Default)]
pub struct Level(Arc<AtomicU64>);

/// One of what a level counts; counted until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Present(Arc<AtomicU64>);

impl Level {
    /// One more, for as long as this is held.
    pub fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self.0.clone())
    }

    /// How many now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages that were sent, repeats not counted.
    pub sent: Count,
    /// Messages that the server said it has.
    pub acknowledged: Count,
    /// Messages sent once more on purpose, or because it was not known whether they had arrived.
    pub repeated: Count,
    /// Messages that were due while too many waited already, and were not sent.
    pub skipped: Count,
    /// Messages that clients heard as they were said.
    pub delivered: Count,
    /// Messages that clients heard afterwards, having been away.
    pub recovered: Count,
    /// Other requests over WebSockets that were done.
    pub requests: Count,
    /// HTTP requests that were answered, whatever the answer.
    pub answers: Count,
    /// Messages, and errands that may say some, of which it is not known what becomes of them.
    pub undecided: Level,
    /// Connections that are open now.
    pub open: Level,
    /// Connections that were opened.
    pub connections: Count,
    /// Connections opened by a client that had had one.
    pub reconnects: Count,
    /// Rooms entered with a place from which to go on.
    pub resumes: Count,
    /// Attempts to connect or to ask that reached nobody.
    pub unreachable: Count,
    /// Connections that ended though nobody here had asked for it.
    pub cuts: Count,
    /// Readers that stopped reading and were cut for it.
    pub slow_cut: Count,
    refused: Mutex<BTreeMap<String, u64>>,
    closed: Mutex<BTreeMap<String, u64>>,
    surprises: Mutex<(u64, Vec<String>)>,
    acknowledgement: Mutex<Histogram>,
    delivery: Mutex<Histogram>,
}

const POISONED: &str = "nobody panics while counting";

impl Tally {
    /// A request was refused with this code.
    pub fn refused(&self, code: &str) {
        add_to(&mut self.refused.lock().expect(POISONED), code);
    }

    /// A connection was closed by the server with this code.
    pub fn closed(&self, code: Option<u16>) {
        let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        add_to(&mut self.closed.lock().expect(POISONED), &code);
    }

    /// Something was answered as it should not be.
    pub fn surprise(&self, what: impl FnOnce() -> String) {
        let mut surprises = self.surprises.lock().expect(POISONED);
        surprises.0 += 1;
        if surprises.1.len() < SURPRISES_MAX {
            surprises.1.push(what());
        }
    }

    /// A message was acknowledged so long after it was due.
    pub fn acknowledged_after(&self, late: Duration) {
        self.acknowledgement.lock().expect(POISONED).record(late);
    }

    /// A message was heard so long after it was due.
    pub fn delivered_after(&self, late: Duration) {
        self.delivery.lock().expect(POISONED).record(late);
    }

    /// Refusals by code.
    pub fn all_refused(&self) -> BTreeMap<String, u64> {
        self.refused.lock().expect(POISONED).clone()
    }

    /// Closing codes.
    pub fn all_closed(&self) -> BTreeMap<String, u64> {
        self.closed.lock().expect(POISONED).clone()
    }

    /// How many surprises there were, and the first of them in words.
    pub fn all_surprises(&self) -> (u64, Vec<String>) {
        self.surprises.lock().expect(POISONED).clone()
    }

    /// From due to acknowledged.
    pub fn acknowledgement(&self) -> Histogram {
        self.acknowledgement.lock().expect(POISONED).clone()
    }

    /// From due to heard.
    pub fn delivery(&self) -> Histogram {
        self.delivery.lock().expect(POISONED).clone()
    }
}

fn add_to(counts: &mut BTreeMap<String, u64>, code: &str) {
    if let Some(count) = counts.get_mut(code) {
        *count += 1;
        return;
    }
    let code = if counts.len() < REFUSALS_MAX { code } else { "other" };
    *counts.entry(code.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_present_is_counted_until_it_is_dropped() {
        let level = Level::default();
        let (one, other) = (level.enter(), level.enter());
        assert_eq!(level.get(), 2);
        drop(one);
        assert_eq!(level.get(), 1);
        drop(other);
        assert_eq!(level.get(), 0);
    }

    #[test]
    fn kinds_of_refusals_are_bounded_and_their_number_is_exact() {
        let tally = Tally::default();
        for code in 0..1000 {
            tally.refused(&code.to_string());
            tally.surprise(|| code.to_string());
        }
        let refused = tally.all_refused();
        assert_eq!(refused.len(), REFUSALS_MAX + 1);
        assert_eq!(refused.values().sum::<u64>(), 1000);
        let (count, told) = tally.all_surprises();
        assert_eq!((count, told.len()), (1000, SURPRISES_MAX));
    }
}
