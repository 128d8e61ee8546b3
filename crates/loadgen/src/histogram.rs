//! A histogram of durations: few buckets, each within three per cent of what is in it.

use std::time::Duration;

/// Buckets for each doubling: the error is at most one part in so many.
const STEPS: u64 = 32;

/// Microseconds from which on all is counted as the longest: about an hour.
const LONGEST: u64 = 1 << 32;

/// Durations, counted. It takes the same memory however many there are.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(LONGEST);
        let index = index(micros);
        if self.buckets.len() <= index {
            self.buckets.resize(index + 1, 0);
        }
        self.buckets[index] += 1;
        self.count += 1;
        self.max = self.max.max(duration);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The duration that this share of all is not longer than.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(upper(index)).min(self.max);
            }
        }
        self.max
    }
}

/// The bucket of a number: exact below `STEPS`, then `STEPS` buckets for each doubling.
fn index(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let doublings = u64::from(micros.ilog2() - STEPS.ilog2());
    ((doublings + 1) * STEPS + (micros >> doublings) - STEPS) as usize
}

/// The largest number of a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    if index < STEPS {
        return index;
    }
    let (doublings, step) = (index / STEPS - 1, index % STEPS);
    ((STEPS + step + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_its_bucket() {
        for micros in (0..5000).chain([1 << 20, (1 << 20) + 12345, LONGEST]) {
            let bucket = index(micros);
            assert!(micros <= upper(bucket), "{micros}");
            assert!(bucket == 0 || micros > upper(bucket - 1), "{micros}");
            assert!(upper(bucket) - micros <= micros / STEPS + 1, "{micros}");
        }
    }

    #[test]
    fn quantiles_are_near_and_the_longest_is_exact() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for millis in 1..=1000 {
            histogram.record(Duration::from_millis(millis));
        }
        let near = |share: f64, millis: f64| {
            let seen = histogram.quantile(share).as_secs_f64() * 1000.0;
            assert!((seen / millis - 1.0).abs() < 0.04, "{share}: {seen}");
        };
        near(0.5, 500.0);
        near(0.99, 990.0);
        assert_eq!(histogram.max(), Duration::from_secs(1));
        assert_eq!(histogram.quantile(1.0), Duration::from_secs(1));
        histogram.record(Duration::from_secs(100_000));
        assert_eq!(histogram.max(), Duration::from_secs(100_000));
    }
}
