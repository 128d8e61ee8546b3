//! Observations counted into buckets as they come.
//!
//! The recorder of metrics-exporter-prometheus keeps each observation, 16 bytes of it, until
//! somebody renders, and takes one that was made a thousand times a thousand times. Here an
//! observation is two atomic additions, whatever its number, and nothing piles up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use campanile_metrics::{Exemplar, ExemplarFn};
use metrics::HistogramFn;

/// The buckets of one series.
#[derive(Debug)]
pub(crate) struct Buckets {
    bounds: &'static [f64],
    // One more than bounds, for what is above them all. Not cumulative.
    counts: Box<[AtomicU64]>,
    // The bits of a float.
    sum: AtomicU64,
    // One for each count, made when the first comes: few histograms have any.
    exemplars: OnceLock<Box<[Mutex<Option<Exemplar>>]>>,
}

/// What was observed, at one moment.
pub(crate) struct Observed {
    /// For each bound and then for infinity, how many were not above it.
    pub(crate) cumulative: Vec<u64>,
    /// The sum of all observations.
    pub(crate) sum: f64,
    /// For each bound and then for infinity, an exemplar that is above the bound before; empty
    /// where nobody gave any.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
}

impl Buckets {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        let sum = AtomicU64::new(0.0_f64.to_bits());
        Self { bounds, counts, sum, exemplars: OnceLock::new() }
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
            exemplars: self.exemplars.get().map_or_else(Vec::new, |exemplars| {
                exemplars.iter().map(|exemplar| *lock(exemplar)).collect()
            }),
        }
    }

    fn place(&self, value: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }
}

impl ExemplarFn for Buckets {
    fn exemplify(&self, exemplar: Exemplar) {
        let make = || self.counts.iter().map(|_| Mutex::default()).collect();
        let place = self.place(exemplar.amount);
        *lock(&self.exemplars.get_or_init(make)[place]) = Some(exemplar);
    }
}

/// It is whole after a panic elsewhere.
fn lock(exemplar: &Mutex<Option<Exemplar>>) -> MutexGuard<'_, Option<Exemplar>> {
    exemplar.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, times: usize) {
        if value.is_nan() {
            return;
        }
        self.counts[self.place(value)].fetch_add(times as u64, Ordering::Relaxed);
        let added = value * times as f64;
        let add = |sum| Some((f64::from_bits(sum) + added).to_bits());
        // Without a condition to fail, this succeeds.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_metrics::TraceId;
    use std::time::Duration;

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
    fn the_last_exemplar_of_each_bucket_is_shown() {
        let buckets = Buckets::new(&[1.0, 2.0]);
        assert!(buckets.observed().exemplars.is_empty());
        let exemplar = |amount, trace| Exemplar {
            amount,
            trace: TraceId([trace; 16]),
            at: Duration::from_secs(1),
        };
        for (amount, trace) in [(1.5, 1), (2.0, 2), (9.0, 3)] {
            buckets.exemplify(exemplar(amount, trace));
        }
        let shown = buckets.observed().exemplars;
        assert_eq!(shown, [None, Some(exemplar(2.0, 2)), Some(exemplar(9.0, 3))]);
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
