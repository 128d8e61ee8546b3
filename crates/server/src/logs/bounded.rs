//! Bounds on lines that strangers can cause: so many a second, and the rest by number.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines of one key in one second; one more tells of what was held back.
pub(crate) const LINES_MAX: u32 = 5;

const SECOND: Duration = Duration::from_secs(1);

/// The lines of one kind of event. Its keys come from closed sets, which bounds what is kept.
pub(crate) struct Bounded<E, const PARTS: usize>(Mutex<BTreeMap<[&'static str; PARTS], Recent<E>>>);

/// What was said with one key lately.
struct Recent<E> {
    second: Instant,
    lines: u32,
    held: u64,
    /// The newest of those that were held back.
    last: Option<E>,
}

impl<E, const PARTS: usize> Bounded<E, PARTS> {
    /// Nothing was said.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The event, with the number of those that its line stands for; `None` where it is held back.
    pub(crate) fn pass(
        &self,
        key: [&'static str; PARTS],
        event: E,
        now: Instant,
    ) -> Option<(E, u64)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Recent { second: now, lines: 0, held: 0, last: None };
        let recent = all.entry(key).or_insert_with(fresh);
        if now.saturating_duration_since(recent.second) >= SECOND {
            (recent.second, recent.lines) = (now, 0);
        }
        if recent.lines < LINES_MAX {
            recent.lines += 1;
            recent.last = None;
            return Some((event, 1 + std::mem::take(&mut recent.held)));
        }
        recent.held += 1;
        recent.last = Some(event);
        None
    }

    /// What was held back and not told yet: the newest of each key, and how many.
    pub(crate) fn take_held(&self) -> Vec<(E, u64)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.values_mut().filter_map(|recent| {
            let last = recent.last.take()?;
            Some((last, std::mem::take(&mut recent.held)))
        });
        held.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_from_the_count_and_few_lines_are_written() {
        let (bounded, began) = (Bounded::new(), Instant::now());
        let mut counts = Vec::new();
        for millis in 0..2_500 {
            let now = began + Duration::from_millis(millis);
            counts.extend(bounded.pass(["a"], millis, now).map(|(_, count)| count));
        }
        assert_eq!(counts, [1, 1, 1, 1, 1, 996, 1, 1, 1, 1, 996, 1, 1, 1, 1]);
        assert_eq!(bounded.take_held(), [(2_499, 495)]);
        assert_eq!(bounded.take_held(), []);
        assert_eq!(counts.iter().sum::<u64>() + 495, 2_500);
    }

    #[test]
    fn keys_do_not_influence_one_another() {
        let (bounded, now) = (Bounded::new(), Instant::now());
        while bounded.pass(["loud", "a"], (), now).is_some() {}
        assert_eq!(bounded.pass(["quiet", "a"], (), now), Some(((), 1)));
        assert_eq!(bounded.take_held(), [((), 1)]);
    }
}
