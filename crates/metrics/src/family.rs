//! The series of one metric, made once and found by index.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::Key;

use crate::description::Description;
use crate::label::LabelSet;
use crate::registry::Registry;
use crate::sink::Sink;

/// A number that can be observed: sizes and counts as they are, durations in seconds.
pub trait Amount {
    /// The number as metrics hold it.
    fn amount(self) -> f64;
}

impl Amount for f64 {
    fn amount(self) -> f64 {
        self
    }
}

impl Amount for Duration {
    fn amount(self) -> f64 {
        self.as_secs_f64()
    }
}

macro_rules! whole_amounts {
    ($($whole:ty),+) => {$(
        impl Amount for $whole {
            fn amount(self) -> f64 {
                self as f64
            }
        }
    )+};
}
whole_amounts!(i32, i64, u16, u32, u64, usize);

impl Amount for bool {
    fn amount(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// Makes one cell per label combination. Combinations whose values are not configured
/// share the cell of the overflow.
pub(crate) fn cells<L: LabelSet, H: Clone>(
    registry: &Registry,
    description: &'static Description,
    register: fn(&dyn Sink, &Key) -> H,
    wrap: fn(Arc<Overflow<H>>) -> H,
) -> Arc<[H]> {
    let mut cells: Vec<H> = Vec::with_capacity(L::BOUND);
    let values = registry.label_values();
    for index in 0..L::BOUND {
        let cell = L::cell(index, &values);
        // The overflow is at place 0 of its label, so a home always comes first.
        if cell.home < index {
            cells.push(cells[cell.home].clone());
            continue;
        }
        let key = Key::from_parts(description.name, cell.labels);
        cells.push(if cell.overflow {
            wrap(Arc::new(Overflow {
                key,
                register,
                sink: registry.sink(),
                cell: OnceLock::new(),
                moved: registry.overflows_of(description),
            }))
        } else {
            register(&*registry.sink(), &key)
        });
    }
    cells.into()
}

/// The cell of an overflow value. Its series begins when something is moved there, which is
/// counted: nought under a value that nobody configured would only mislead.
pub(crate) struct Overflow<H> {
    key: Key,
    register: fn(&dyn Sink, &Key) -> H,
    sink: Arc<dyn Sink>,
    cell: OnceLock<H>,
    moved: metrics::Counter,
}

impl<H> Overflow<H> {
    /// The cell, for so many observations that are moved there.
    pub(crate) fn take(&self, observations: u64) -> &H {
        self.moved.increment(observations);
        self.cell.get_or_init(|| (self.register)(&*self.sink, &self.key))
    }

    /// The cell, if something was moved there before.
    pub(crate) fn begun(&self) -> Option<&H> {
        self.cell.get()
    }
}

/// Calls a macro once for each number of labels that a metric can have.
macro_rules! for_each_arity {
    ($methods:ident) => {
        $methods!();
        $methods!(a: A);
        $methods!(a: A, b: B);
        $methods!(a: A, b: B, c: C);
        $methods!(a: A, b: B, c: C, d: D);
    };
}
pub(crate) use for_each_arity;
