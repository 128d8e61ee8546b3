//! An open-loop pace: when things are due, however late the server is with those before.

use std::time::Duration;

use tokio::time::Instant;

/// Things that fall due at random, so many in a second on average.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    mean: f64,
    due: Instant,
}

/// The longest time between two: a pace of nothing never comes.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl Pace {
    /// A pace whose first thing is due at a random time from now.
    pub fn per_second(rate: f64) -> Self {
        let mut pace = Self { mean: 1.0 / rate, due: Instant::now() };
        pace.step();
        pace
    }

    /// When the next thing is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// The next thing is being done: when it was due.
    pub fn step(&mut self) -> Instant {
        let due = self.due;
        // As the customers of a shop come: nobody knows of the others.
        let wait = -(1.0 - rand::random::<f64>()).ln() * self.mean;
        let wait = Duration::try_from_secs_f64(wait).unwrap_or(LONGEST).min(LONGEST);
        self.due += wait;
        due
    }

    /// Passes over what is long overdue, all but the last few; how many those were.
    pub fn catch_up(&mut self, kept: u64, now: Instant) -> u64 {
        let mut ahead = *self;
        let mut overdue: u64 = 0;
        while ahead.due < now {
            ahead.step();
            overdue += 1;
        }
        let skipped = overdue.saturating_sub(kept);
        if skipped > 0 {
            // What is kept is as late as what has just fallen due.
            self.due = now;
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_has_its_rate_on_average() {
        let mut pace = Pace::per_second(100.0);
        let first = pace.due();
        for _ in 0..10_000 {
            pace.step();
        }
        let seconds = (pace.due() - first).as_secs_f64();
        assert!((90.0..110.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn what_is_long_overdue_is_passed_over() {
        let mut pace = Pace::per_second(100.0);
        let later = Instant::now() + Duration::from_secs(100);
        let skipped = pace.catch_up(5, later);
        assert!((8_000..12_000).contains(&skipped), "{skipped}");
        assert!(pace.due() >= later);
        assert_eq!(pace.catch_up(5, later), 0);
    }

    #[test]
    fn a_pace_of_nothing_never_comes() {
        assert!(Pace::per_second(0.0).due() - Instant::now() > LONGEST / 2);
    }
}
