//! The pace of one asker: the generic cell rate algorithm, kept by whoever is asked.

use crate::{limits::Rate, port::Verdict, time::Moment};
use std::time::Duration;

/// Lets so many requests through.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Time that one request takes up.
    interval: Duration,
    /// How far ahead of its time a request may come.
    tolerance: Duration,
    /// When the next request would come if they came evenly; `None` before the first.
    expected: Option<Moment>,
}

impl Pace {
    /// A pace at which nothing has come yet.
    pub fn new(rate: Rate) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate.per_second);
        let tolerance = interval * rate.burst.saturating_sub(1);
        Self { interval, tolerance, expected: None }
    }

    /// Whether a request may pass now. A refusal takes nothing up.
    pub fn check(&mut self, now: Moment) -> Verdict {
        let expected = self.expected.map_or(now, |expected| expected.max(now));
        let ahead = expected.since(now);
        if ahead > self.tolerance {
            return Verdict::Limited { retry_after: ahead - self.tolerance };
        }
        self.expected = Some(expected.plus(self.interval));
        Verdict::Allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_each_interval() {
        let mut pace = Pace::new(Rate::new(10.0, 3));
        let now = Moment(5_000_000_000);
        for _ in 0..3 {
            assert_eq!(pace.check(now), Verdict::Allowed);
        }
        let wait = Duration::from_millis(100);
        assert_eq!(pace.check(now), Verdict::Limited { retry_after: wait });
        assert_eq!(pace.check(now.plus(wait)), Verdict::Allowed);
        assert_eq!(pace.check(now.plus(wait)), Verdict::Limited { retry_after: wait });
        assert_eq!(pace.check(now.plus(Duration::from_secs(60))), Verdict::Allowed);
    }
}
