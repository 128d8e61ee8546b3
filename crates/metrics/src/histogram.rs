//! Observations sorted into buckets.

use std::marker::PhantomData;
use std::sync::Arc;

use metrics::{HistogramFn, Key};

use crate::description::Description;
use crate::exemplar::{Exemplar, ExemplarFn};
use crate::family::{Amount, Overflow, Series, Vacant, cells, for_each_arity};
use crate::label::{Label, LabelSet};
use crate::registry::{METADATA, Registry};
use crate::sink::Sink;

/// A metric that sorts observations into buckets, one set of them per label combination.
#[derive(Clone, Debug)]
pub struct Histogram<L> {
    cells: Arc<[metrics::Histogram]>,
    /// Beside each cell, who takes its exemplars.
    takers: Arc<[Option<Arc<dyn ExemplarFn>>]>,
    buckets: &'static [f64],
    labels: PhantomData<fn(L)>,
}

/// One series of a [`Histogram`].
#[derive(Clone, Debug)]
pub struct HistogramHandle {
    cell: metrics::Histogram,
    taker: Option<Arc<dyn ExemplarFn>>,
    buckets: &'static [f64],
}

impl<L: LabelSet> Histogram<L> {
    /// Makes every series, empty.
    pub fn register(registry: &Registry, description: &'static Description) -> Self {
        let cells = cells::<L, _>(registry, description);
        let takers = takers::<L>(registry, description);
        Self { cells, takers, buckets: description.buckets, labels: PhantomData }
    }

    #[inline]
    fn cell(&self, labels: L) -> &metrics::Histogram {
        &self.cells[labels.index()]
    }
}

impl HistogramHandle {
    /// Takes one observation: durations in seconds, sizes in bytes.
    #[inline]
    pub fn observe(&self, amount: impl Amount) {
        self.cell.record(amount.amount());
    }

    /// Takes the same observation several times, at the price of one.
    #[inline]
    pub fn observe_many(&self, amount: impl Amount, times: usize) {
        self.cell.record_many(amount.amount(), times);
    }

    /// Shows the trace of one observation, which is observed besides. The last one of each bucket
    /// is shown, by exporters that can.
    pub fn exemplify(&self, exemplar: Exemplar) {
        if let Some(taker) = &self.taker {
            taker.exemplify(exemplar);
        }
    }

    #[cfg(test)]
    pub(crate) fn with_taker(self, taker: Arc<dyn ExemplarFn>) -> Self {
        Self { taker: Some(taker), ..self }
    }

    /// The bounds of its buckets, but for the last one, which has none.
    pub(crate) fn buckets(&self) -> &'static [f64] {
        self.buckets
    }
}

macro_rules! methods {
    ($($arg:ident: $label:ident),*) => {
        #[allow(clippy::too_many_arguments, reason = "one argument for each label")]
        impl<$($label: Label),*> Histogram<($($label,)*)> {
            /// Takes one observation: durations in seconds, sizes in bytes.
            #[inline]
            pub fn observe(&self, amount: impl Amount, $($arg: $label),*) {
                self.cell(($($arg,)*)).record(amount.amount());
            }

            /// Takes the same observation several times, at the price of one.
            #[inline]
            pub fn observe_many(&self, amount: impl Amount, times: usize, $($arg: $label),*) {
                self.cell(($($arg,)*)).record_many(amount.amount(), times);
            }

            /// One series, to keep on a hot path.
            pub fn handle(&self, $($arg: $label),*) -> HistogramHandle {
                let labels = ($($arg,)*);
                let (cell, taker) = (self.cell(labels), &self.takers[labels.index()]);
                HistogramHandle { cell: cell.clone(), taker: taker.clone(), buckets: self.buckets }
            }
        }
    };
}
for_each_arity!(methods);

/// Who takes the exemplars of each series. Those of a value that was not configured when the metric
/// was registered are not shown.
fn takers<L: LabelSet>(
    registry: &Registry,
    description: &'static Description,
) -> Arc<[Option<Arc<dyn ExemplarFn>>]> {
    let (values, sink) = (registry.label_values(), registry.sink());
    let taker = |index| {
        let cell = L::cell(index, &values);
        let key = Key::from_parts(description.name, cell.labels);
        if cell.home == index && !cell.overflow { sink.exemplars(&key) } else { None }
    };
    (0..L::BOUND).map(taker).collect()
}

impl Series for metrics::Histogram {
    fn register(sink: &dyn Sink, key: &Key) -> Self {
        sink.register_histogram(key, &METADATA)
    }

    fn overflow(overflow: Overflow<Self>) -> Self {
        Self::from_arc(Arc::new(overflow))
    }

    fn vacant(vacant: Arc<Vacant<Self>>) -> Self {
        Self::from_arc(vacant)
    }
}

impl HistogramFn for Overflow<metrics::Histogram> {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.take(count as u64).record_many(value, count);
    }
}

impl HistogramFn for Vacant<metrics::Histogram> {
    fn record(&self, value: f64) {
        self.cell().record(value);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.cell().record_many(value, count);
    }
}
