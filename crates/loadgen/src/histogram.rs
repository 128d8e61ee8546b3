//! A histogram of durations: an HdrHistogram of microseconds, each within a thousandth.

use std::time::Duration;

/// Significant digits that are kept.
const DIGITS: u8 = 3;

/// Microseconds from which on all is counted as the longest: about an hour.
const LONGEST: u64 = 1 << 32;

/// Durations, counted. It takes the same memory however many there are.
#[derive(Clone, Debug)]
pub struct Histogram {
    inner: hdrhistogram::Histogram<u64>,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        let inner = hdrhistogram::Histogram::new_with_max(LONGEST, DIGITS)
            .expect("the bounds and the digits are in range");
        Self { inner, max: Duration::ZERO }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.inner.saturating_record(micros);
        self.max = self.max.max(duration);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.inner.len()
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The duration that this share of all is not longer than.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.inner.value_at_quantile(share)).min(self.max)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.inner.clear();
        self.max = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_and_the_longest_is_exact() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for millis in 1..=1000 {
            histogram.record(Duration::from_millis(millis));
        }
        let near = |share: f64, millis: f64| {
            let seen = histogram.quantile(share).as_secs_f64() * 1000.0;
            assert!((seen / millis - 1.0).abs() < 0.001, "{share}: {seen}");
        };
        near(0.5, 500.0);
        near(0.99, 990.0);
        assert_eq!(histogram.max(), Duration::from_secs(1));
        assert_eq!(histogram.quantile(1.0), Duration::from_secs(1));
        histogram.record(Duration::from_secs(100_000));
        assert_eq!((histogram.max(), histogram.count()), (Duration::from_secs(100_000), 1001));
        histogram.clear();
        assert_eq!((histogram.max(), histogram.count()), (Duration::ZERO, 0));
    }
}
