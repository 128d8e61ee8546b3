//! Push services that are ill: they are left alone for a while, so that notifications for others do
//! not wait behind theirs.

use campanile_core::time::Moment;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// An answer that takes longer is as bad as none: whoever asks waits for it.
const SLOW: Duration = Duration::from_secs(4);

/// So many bad ones in a row, and the push service is ill.
const BAD_MAX: u32 = 3;

/// How long an ill push service is left alone. Then one notification tries, and the others wait as
/// long again.
const ALONE: Duration = Duration::from_secs(30);

/// Push services that are remembered. Clients choose them, so there could be any number.
const KNOWN_MAX: usize = 1_024;

/// The push services that did not answer well, by origin.
#[derive(Default)]
pub(crate) struct Ill {
    known: Mutex<HashMap<String, Illness>>,
}

/// How ill one is.
struct Illness {
    /// Bad answers in a row.
    bad: u32,
    /// Until when it is left alone; long past for one that is not ill yet.
    until: Moment,
}

impl Ill {
    /// How long a push service is still to be left alone; `None` when it may be asked.
    pub(crate) fn wait(&self, origin: &str, now: Moment) -> Option<Duration> {
        let mut known = self.known();
        let illness = known.get_mut(origin).filter(|illness| illness.bad >= BAD_MAX)?;
        if illness.until <= now {
            illness.until = now.plus(ALONE);
            return None;
        }
        Some(illness.until.since(now))
    }

    /// Notes how a push service answered, if it did, and after how long.
    pub(crate) fn note(&self, origin: &str, now: Moment, (is_answer, took): (bool, Duration)) {
        let mut known = self.known();
        if is_answer && took < SLOW {
            known.remove(origin);
            return;
        }
        if known.len() >= KNOWN_MAX {
            known.retain(|_, illness| illness.until > now);
        }
        if known.len() < KNOWN_MAX || known.contains_key(origin) {
            let new = Illness { bad: 0, until: now };
            let illness = known.entry(origin.to_owned()).or_insert(new);
            illness.bad = illness.bad.saturating_add(1);
            illness.until = now.plus(ALONE);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Illness>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://push.example";
    const NONE: (bool, Duration) = (false, Duration::ZERO);
    const FINE: (bool, Duration) = (true, Duration::ZERO);

    fn at(seconds: u64) -> Moment {
        Moment::default().plus(Duration::from_secs(seconds))
    }

    #[test]
    fn who_does_not_answer_is_left_alone_and_then_tried_by_one() {
        let ill = Ill::default();
        for _ in 0..BAD_MAX {
            assert_eq!(ill.wait(HERE, at(0)), None);
            ill.note(HERE, at(0), NONE);
        }
        assert_eq!(ill.wait(HERE, at(10)), Some(Duration::from_secs(20)));
        assert_eq!(ill.wait("https://other.example", at(10)), None);
        assert_eq!(ill.wait(HERE, at(30)), None, "one tries");
        assert_eq!(ill.wait(HERE, at(30)), Some(ALONE), "the others wait");
        ill.note(HERE, at(40), NONE);
        assert_eq!(ill.wait(HERE, at(60)), Some(Duration::from_secs(10)));
        ill.note(HERE, at(70), FINE);
        assert_eq!(ill.wait(HERE, at(70)), None, "it is well again");
    }

    #[test]
    fn slow_answers_are_as_bad_as_none_and_a_good_one_ends_the_row() {
        let ill = Ill::default();
        for took in [SLOW, SLOW, Duration::ZERO, SLOW, SLOW] {
            ill.note(HERE, at(0), (true, took));
        }
        assert_eq!(ill.wait(HERE, at(0)), None);
        ill.note(HERE, at(0), (true, SLOW));
        assert_eq!(ill.wait(HERE, at(0)), Some(ALONE));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let ill = Ill::default();
        for number in 0..2 * KNOWN_MAX {
            ill.note(&format!("https://{number}.example"), at(0), NONE);
        }
        assert_eq!(ill.known().len(), KNOWN_MAX);
        ill.note(HERE, at(31), NONE);
        assert_eq!(ill.known().len(), 1, "those whose time is over make way");
    }
}
