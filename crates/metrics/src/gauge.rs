//! Numbers that go up and down.

use std::marker::PhantomData;
use std::sync::Arc;

use metrics::{GaugeFn, Key};

use crate::description::Description;
use crate::family::{Amount, Overflow, Series, Vacant, cells, for_each_arity};
use crate::label::{Label, LabelSet};
use crate::registry::{METADATA, Registry};
use crate::sink::Sink;

/// A metric that tells how things are now, one series per label combination.
///
/// Three ways keep it true: [`set`](GaugeHandle::set) it from what is known, hold a
/// [`Guard`] for as long as something exists, or [`recount`](Gauge::recount) at each scrape.
#[derive(Clone, Debug)]
pub struct Gauge<L> {
    cells: Arc<[metrics::Gauge]>,
    labels: PhantomData<fn(L)>,
}

/// One series of a [`Gauge`].
#[derive(Clone, Debug)]
pub struct GaugeHandle(metrics::Gauge);

/// Something that exists: the gauge is one higher until this is dropped, on every way out.
#[derive(Debug)]
#[must_use = "the gauge falls again as soon as the guard is dropped"]
pub struct Guard(metrics::Gauge);

impl<L: LabelSet> Gauge<L> {
    /// Makes every series, at 0.
    pub fn register(registry: &Registry, description: &'static Description) -> Self {
        Self { cells: cells::<L, _>(registry, description), labels: PhantomData }
    }

    fn tally<N: Amount>(&self, counts: impl Iterator<Item = (L, N)>) {
        let mut totals = vec![None; self.cells.len()];
        for (labels, count) in counts {
            *totals[labels.index()].get_or_insert(0.0) += count.amount();
        }
        // Several places can share the series of the overflow, so clear before setting: a
        // place that was not mentioned must not wipe out what another one told.
        let cells = || self.cells.iter().zip(&totals);
        for (cell, _) in cells().filter(|(_, total)| total.is_none()) {
            cell.set(0.0);
        }
        for (cell, total) in cells() {
            if let Some(total) = total {
                cell.set(*total);
            }
        }
    }

    #[inline]
    fn cell(&self, labels: L) -> &metrics::Gauge {
        &self.cells[labels.index()]
    }
}

impl GaugeHandle {
    /// Says how it is.
    pub fn set(&self, amount: impl Amount) {
        self.0.set(amount.amount());
    }

    /// Says how it changed.
    pub fn add(&self, change: impl Amount) {
        self.0.increment(change.amount());
    }

    /// Raises the gauge by one until the guard is dropped.
    pub fn guard(&self) -> Guard {
        self.0.increment(1.0);
        Guard(self.0.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

macro_rules! methods {
    ($($arg:ident: $label:ident),*) => {
        #[allow(clippy::too_many_arguments, reason = "one argument for each label")]
        impl<$($label: Label),*> Gauge<($($label,)*)> {
            /// Says how it is.
            pub fn set(&self, amount: impl Amount, $($arg: $label),*) {
                self.cell(($($arg,)*)).set(amount.amount());
            }

            /// Says how it changed.
            pub fn add(&self, change: impl Amount, $($arg: $label),*) {
                self.cell(($($arg,)*)).increment(change.amount());
            }

            /// Raises the gauge by one until the guard is dropped.
            pub fn guard(&self, $($arg: $label),*) -> Guard {
                self.handle($($arg),*).guard()
            }

            /// One series, to keep on a hot path.
            pub fn handle(&self, $($arg: $label),*) -> GaugeHandle {
                GaugeHandle(self.cell(($($arg,)*)).clone())
            }
        }
    };
}
for_each_arity!(methods);

macro_rules! recount {
    ($($arg:ident: $label:ident),+) => {
        impl<$($label: Label),+> Gauge<($($label,)+)> {
            /// Sets every series from a fresh count, for collectors: what comes under the
            /// same labels is added up, and what is not mentioned is 0.
            pub fn recount<N: Amount>(&self, counts: impl IntoIterator<Item = ($($label,)+ N)>) {
                self.tally(counts.into_iter().map(|($($arg,)+ count)| (($($arg,)+), count)));
            }
        }
    };
}
recount!(a: A);
recount!(a: A, b: B);
recount!(a: A, b: B, c: C);
recount!(a: A, b: B, c: C, d: D);

impl Series for metrics::Gauge {
    fn register(sink: &dyn Sink, key: &Key) -> Self {
        let gauge = sink.register_gauge(key, &METADATA);
        // Recorders that wait for a first value show it.
        gauge.increment(0.0);
        gauge
    }

    fn overflow(overflow: Overflow<Self>) -> Self {
        Self::from_arc(Arc::new(overflow))
    }

    fn vacant(vacant: Arc<Vacant<Self>>) -> Self {
        Self::from_arc(vacant)
    }
}

impl GaugeFn for Overflow<metrics::Gauge> {
    fn increment(&self, value: f64) {
        self.take(1).increment(value);
    }

    fn decrement(&self, value: f64) {
        // What falls has risen before, and was counted then.
        if let Some(cell) = self.begun() {
            cell.decrement(value);
        }
    }

    fn set(&self, value: f64) {
        // Clearing moves nothing there.
        match (value == 0.0, self.begun()) {
            (true, Some(cell)) => cell.set(value),
            (true, None) => {}
            (false, _) => self.take(1).set(value),
        }
    }
}

impl GaugeFn for Vacant<metrics::Gauge> {
    fn increment(&self, value: f64) {
        self.cell().increment(value);
    }

    fn decrement(&self, value: f64) {
        self.cell().decrement(value);
    }

    fn set(&self, value: f64) {
        self.cell().set(value);
    }
}
