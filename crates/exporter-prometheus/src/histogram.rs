//! Observations counted into buckets as they come.
//!
//! The recorder of metrics-exporter-prometheus keeps each observation, 16 bytes of it, until
//! somebody renders, and takes one that was made a thousand times a thousand times. Here an
//! observation is two atomic additions, whatever its number, and nothing piles up.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::HistogramFn;

/// The buckets of one series.
#[derive(Debug)]
pub(crate) struct Buckets {
    bounds: &'static [f64],
    // One more than bounds, for what is above them all. Not cumulative.
    counts: Box<[AtomicU64]>,
    // The bits of a float.
    sum: AtomicU64,
}

/// What was observed, at one moment.
pub(crate) struct Observed {
    /// For each bound and then for infinity, how many were not above it.
    pub(crate) cumulative: Vec<u64>,
    /// The sum of all observations.
    pub(crate) sum: f64,
}

impl Buckets {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0.0_f64.to_bits()) }
    }

    /// The count is that of the last bucket, so the two agree even while others observe.
    pub(crate) fn observed(&self) -> Observed {
        let mut total = 0;
        let cumulative = self.counts.iter().map(|count| {
            total += count.load(Ordering::Relaxed);
            total
        });
        Observed {
            cumulative: cumulative.collect(),
            sum: f64::from_bits(self.sum.load(Ordering::Relaxed)),
        }
    }
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, times: usize) {
        if value.is_nan() {
            return;
        }
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(times as u64, Ordering::Relaxed);
        let added = value * times as f64;
        let add = |sum| Some((f64::from_bits(sum) + added).to_bits());
        // Without a condition to fail, this succeeds.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_on_a_bound_is_not_above_it() {
        let buckets = Buckets::new(&[1.0, 2.0]);
        for value in [-1.0, 1.0, 1.5, 2.0, 2.5, f64::INFINITY, f64::NAN] {
            buckets.record(value);
        }
        assert_eq!(buckets.observed().cumulative, [2, 4, 6]);
    }

    #[test]
    fn many_at_once_are_as_many_one_by_one() {
        let (at_once, one_by_one) = (Buckets::new(&[0.5]), Buckets::new(&[0.5]));
        at_once.record_many(0.25, 1000);
        (0..1000).for_each(|_| one_by_one.record(0.25));
        assert_eq!(at_once.observed().cumulative, one_by_one.observed().cumulative);
        assert_eq!(at_once.observed().sum, one_by_one.observed().sum);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let buckets = Buckets::new(&[0.5]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| buckets.record(0.25)));
            }
        });
        assert_eq!(buckets.observed().cumulative, [40_000, 40_000]);
        assert_eq!(buckets.observed().sum, 10_000.0);
    }
}
