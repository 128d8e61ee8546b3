//! How long to wait before trying again: longer each time, and not the same for everybody.

use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// Failures in a row, and what they mean for the next attempt.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Another failure: how long to wait now. A server that says when to come back is obeyed, up
    /// to a minute.
    pub fn fail(&mut self, told: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(8));
        self.failures = self.failures.saturating_add(1);
        let least = told.unwrap_or_default().min(Duration::from_secs(60));
        // Half of it is the same for all, so that nobody comes at once.
        least + doubled.min(LONGEST).mul_f64(rand::random_range(0.5..1.0))
    }

    /// It went well.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_start_anew() {
        let mut backoff = Backoff::default();
        assert!(backoff.fail(None) <= FIRST);
        let later: Vec<_> = (0..1000).map(|_| backoff.fail(None)).collect();
        assert!(later[999] >= LONGEST / 2 && later.iter().all(|wait| *wait <= LONGEST));
        backoff.reset();
        assert!(backoff.fail(None) <= FIRST);
    }

    #[test]
    fn a_server_is_obeyed_within_reason() {
        let mut backoff = Backoff::default();
        assert!(backoff.fail(Some(Duration::from_secs(7))) >= Duration::from_secs(7));
        assert!(backoff.fail(Some(Duration::MAX)) <= Duration::from_secs(66));
    }
}
