//! How long to wait before a push is tried again.

use std::time::Duration;

/// Waits that double from one failure to the next, each between half of its time and all of it, so
/// that many servers do not come back at once.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, failures: 0 }
    }

    /// The wait after one more failure. `jitter` is between 0 and 1; `asked` is what the log store
    /// said, which is heard up to the longest wait.
    pub(crate) fn next(&mut self, jitter: f64, asked: Option<Duration>) -> Duration {
        let doubled = self.min.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let whole = doubled.min(self.max);
        let wait = whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        wait.max(asked.unwrap_or_default().min(self.max))
    }

    /// A push was answered.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(100 * MILLISECOND, 1_000 * MILLISECOND);
        let waits: Vec<_> = (0..6).map(|_| backoff.next(1.0, None).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
        for _ in 0..100 {
            assert_eq!(backoff.next(1.0, None), 1_000 * MILLISECOND);
        }
        backoff.reset();
        assert_eq!(backoff.next(1.0, None), 100 * MILLISECOND);
    }

    #[test]
    fn each_wait_is_between_half_and_all_of_its_time() {
        for (jitter, milliseconds) in [(0.0, 50), (0.5, 75), (1.0, 100), (7.0, 100), (-1.0, 50)] {
            let mut backoff = Backoff::new(100 * MILLISECOND, 1_000 * MILLISECOND);
            assert_eq!(backoff.next(jitter, None).as_millis(), milliseconds, "{jitter}");
        }
    }

    #[test]
    fn what_the_log_store_asks_for_is_heard_up_to_the_longest_wait() {
        let mut backoff = Backoff::new(100 * MILLISECOND, 1_000 * MILLISECOND);
        assert_eq!(backoff.next(1.0, Some(700 * MILLISECOND)), 700 * MILLISECOND);
        assert_eq!(backoff.next(1.0, Some(Duration::from_secs(3_600))), 1_000 * MILLISECOND);
        assert_eq!(backoff.next(1.0, Some(MILLISECOND)), 400 * MILLISECOND);
    }
}
