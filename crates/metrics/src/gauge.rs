//! Numbers that go up and down.

use std::marker::PhantomData;
use std::sync::Arc;

use metrics::GaugeFn;

use crate::description::Description;
use crate::family::{Amount, cells, for_each_arity};
use crate::label::{Label, LabelSet};
use crate::registry::{METADATA, Registry};

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
        let cells = cells::<L, _>(
            registry,
            description,
            |key| zero(registry.recorder().register_gauge(key, &METADATA)),
            overflowing,
        );
        Self {
            cells,
            labels: PhantomData,
        }
    }

    /// Sets every series from a fresh count: what is given under the same labels is added
    /// up, and what is not mentioned is 0. For collectors.
    pub fn recount<N: Amount>(&self, counts: impl IntoIterator<Item = (L, N)>) {
        let mut totals = vec![None; self.cells.len()];
        for (labels, count) in counts {
            *totals[labels.index()].get_or_insert(0.0) += count.amount();
        }
        // Places that share a series with the overflow come after it: set only what was
        // counted there, so that a place that was not mentioned does not wipe it out.
        let mut unset: Vec<usize> = Vec::new();
        for (index, total) in totals.iter().enumerate() {
            if total.is_none() {
                unset.push(index);
            }
        }
        for index in unset {
            self.cells[index].set(0.0);
        }
        for (cell, total) in self.cells.iter().zip(totals) {
            if let Some(total) = total {
                cell.set(total);
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

/// Touches a gauge, so that recorders which wait for a first value show it.
pub(crate) fn zero(gauge: metrics::Gauge) -> metrics::Gauge {
    gauge.increment(0.0);
    gauge
}

pub(crate) fn overflowing(cell: metrics::Gauge, overflows: metrics::Counter) -> metrics::Gauge {
    metrics::Gauge::from_arc(Arc::new(Overflowing { cell, overflows }))
}

/// The cell of an overflow value: holds it, and counts that it had to.
struct Overflowing {
    cell: metrics::Gauge,
    overflows: metrics::Counter,
}

impl GaugeFn for Overflowing {
    fn increment(&self, value: f64) {
        self.cell.increment(value);
        self.overflows.increment(1);
    }

    fn decrement(&self, value: f64) {
        self.cell.decrement(value);
        self.overflows.increment(1);
    }

    fn set(&self, value: f64) {
        self.cell.set(value);
        self.overflows.increment(1);
    }
}
