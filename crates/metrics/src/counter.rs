//! Numbers that only grow.

use std::marker::PhantomData;
use std::sync::Arc;

use metrics::{CounterFn, Key};

use crate::description::Description;
use crate::family::{Amount, Overflow, Series, Vacant, cells, for_each_arity};
use crate::label::{Label, LabelSet};
use crate::registry::{METADATA, Registry};
use crate::sink::Sink;

/// A metric that counts events, one series per label combination.
#[derive(Clone, Debug)]
pub struct Counter<L> {
    cells: Arc<[metrics::Counter]>,
    labels: PhantomData<fn(L)>,
}

/// One series of a [`Counter`], for hot paths.
#[derive(Clone, Debug)]
pub struct CounterHandle(metrics::Counter);

impl<L: LabelSet> Counter<L> {
    /// Makes every series, at 0.
    pub fn register(registry: &Registry, description: &'static Description) -> Self {
        Self { cells: cells::<L, _>(registry, description), labels: PhantomData }
    }

    #[inline]
    fn cell(&self, labels: L) -> &metrics::Counter {
        &self.cells[labels.index()]
    }
}

impl CounterHandle {
    /// Counts one event.
    #[inline]
    pub fn increment(&self) {
        self.0.increment(1);
    }

    /// Counts several events.
    #[inline]
    pub fn add(&self, events: u64) {
        self.0.increment(events);
    }

    /// Follows a count that is kept elsewhere; a smaller one changes nothing.
    pub fn raise_to(&self, total: u64) {
        self.0.absolute(total);
    }
}

/// A metric that adds up fractions, such as seconds of CPU time.
///
/// The facade's counters hold whole numbers, so this is recorded through a gauge; an
/// exporter that knows the catalogue shows it as a counter.
#[derive(Clone, Debug)]
pub struct FractionalCounter<L> {
    cells: Arc<[metrics::Gauge]>,
    labels: PhantomData<fn(L)>,
}

/// One series of a [`FractionalCounter`].
#[derive(Clone, Debug)]
pub struct FractionalCounterHandle(metrics::Gauge);

impl<L: LabelSet> FractionalCounter<L> {
    /// Makes every series, at 0.
    pub fn register(registry: &Registry, description: &'static Description) -> Self {
        Self { cells: cells::<L, _>(registry, description), labels: PhantomData }
    }

    #[inline]
    fn cell(&self, labels: L) -> &metrics::Gauge {
        &self.cells[labels.index()]
    }
}

impl FractionalCounterHandle {
    /// Adds to the sum.
    pub fn add(&self, amount: impl Amount) {
        self.0.increment(amount.amount());
    }

    /// Follows a sum that is kept elsewhere, by the system for instance.
    pub fn follow(&self, total: impl Amount) {
        self.0.set(total.amount());
    }
}

macro_rules! methods {
    ($($arg:ident: $label:ident),*) => {
        #[allow(clippy::too_many_arguments, reason = "one argument for each label")]
        impl<$($label: Label),*> Counter<($($label,)*)> {
            /// Counts one event.
            #[inline]
            pub fn increment(&self, $($arg: $label),*) {
                self.cell(($($arg,)*)).increment(1);
            }

            /// Counts several events.
            #[inline]
            pub fn add(&self, events: u64, $($arg: $label),*) {
                self.cell(($($arg,)*)).increment(events);
            }

            /// One series, to keep on a hot path.
            pub fn handle(&self, $($arg: $label),*) -> CounterHandle {
                CounterHandle(self.cell(($($arg,)*)).clone())
            }
        }

        #[allow(clippy::too_many_arguments, reason = "one argument for each label")]
        impl<$($label: Label),*> FractionalCounter<($($label,)*)> {
            /// Adds to the sum.
            pub fn add(&self, amount: impl Amount, $($arg: $label),*) {
                self.cell(($($arg,)*)).increment(amount.amount());
            }

            /// Follows a sum that is kept elsewhere, by the system for instance.
            pub fn follow(&self, total: impl Amount, $($arg: $label),*) {
                self.cell(($($arg,)*)).set(total.amount());
            }

            /// One series, to keep on a hot path.
            pub fn handle(&self, $($arg: $label),*) -> FractionalCounterHandle {
                FractionalCounterHandle(self.cell(($($arg,)*)).clone())
            }
        }
    };
}
for_each_arity!(methods);

impl Series for metrics::Counter {
    fn register(sink: &dyn Sink, key: &Key) -> Self {
        sink.register_counter(key, &METADATA)
    }

    fn overflow(overflow: Overflow<Self>) -> Self {
        Self::from_arc(Arc::new(overflow))
    }

    fn vacant(vacant: Arc<Vacant<Self>>) -> Self {
        Self::from_arc(vacant)
    }
}

impl CounterFn for Overflow<metrics::Counter> {
    fn increment(&self, value: u64) {
        self.take(value).increment(value);
    }

    fn absolute(&self, value: u64) {
        self.take(1).absolute(value);
    }
}

impl CounterFn for Vacant<metrics::Counter> {
    fn increment(&self, value: u64) {
        self.cell().increment(value);
    }

    fn absolute(&self, value: u64) {
        self.cell().absolute(value);
    }
}
