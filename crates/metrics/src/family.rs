//! The series of one metric, made once and found by index.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::Key;

use crate::description::Description;
use crate::label::{Cell, LabelSet};
use crate::registry::{Registry, overflows_of};
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

/// What the facade has for one series of a kind.
pub(crate) trait Series: Clone + Send + Sync + 'static {
    /// Makes the series.
    fn register(sink: &dyn Sink, key: &Key) -> Self;

    /// One that is made when something is moved there.
    fn overflow(overflow: Overflow<Self>) -> Self;

    /// One that is made when its value is added.
    fn vacant(vacant: Arc<Vacant<Self>>) -> Self;
}

/// Makes one cell per label combination. Combinations whose values are not there share the cell of
/// the overflow until they are added.
pub(crate) fn cells<L: LabelSet, H: Series>(
    registry: &Registry,
    description: &'static Description,
) -> Arc<[H]> {
    let sink = registry.sink();
    let (mut cells, mut vacancies) = (Vec::with_capacity(L::BOUND), Vec::new());
    let values = registry.label_values();
    for index in 0..L::BOUND {
        let cell = L::cell(index, &values);
        // The overflow is at place 0 of its label, so a home always comes first.
        cells.push(if cell.home == index {
            make(&sink, description, cell)
        } else {
            let home: &H = &cells[cell.home];
            let vacant = Arc::new(Vacant { own: OnceLock::new(), home: home.clone() });
            vacancies.push((index, vacant.clone()));
            H::vacant(vacant)
        });
    }
    if !vacancies.is_empty() {
        registry.with_added_values(move |values| {
            for (index, vacant) in &vacancies {
                let cell = L::cell(*index, values);
                if cell.home == *index {
                    vacant.own.get_or_init(|| make(&sink, description, cell));
                }
            }
        });
    }
    cells.into()
}

fn make<H: Series>(sink: &Arc<dyn Sink>, description: &'static Description, cell: Cell) -> H {
    let key = Key::from_parts(description.name, cell.labels);
    if !cell.overflow {
        return H::register(&**sink, &key);
    }
    let moved = overflows_of(&**sink, description);
    H::overflow(Overflow { key, sink: sink.clone(), cell: OnceLock::new(), moved })
}

/// The cell of a place that no value has. Whoever holds it goes on with the series of its own as
/// soon as one is added. That this is the overflow's until then holds for labels of which only one
/// is configured.
pub(crate) struct Vacant<H> {
    own: OnceLock<H>,
    home: H,
}

impl<H> Vacant<H> {
    /// The cell that counts now.
    #[inline]
    pub(crate) fn cell(&self) -> &H {
        self.own.get().unwrap_or(&self.home)
    }
}

/// The cell of an overflow value. Its series begins when something is moved there, which is
/// counted: nought under a value that nobody configured would only mislead.
pub(crate) struct Overflow<H> {
    key: Key,
    sink: Arc<dyn Sink>,
    cell: OnceLock<H>,
    moved: metrics::Counter,
}

impl<H: Series> Overflow<H> {
    /// The cell, for so many observations that are moved there.
    pub(crate) fn take(&self, observations: u64) -> &H {
        self.moved.increment(observations);
        self.cell.get_or_init(|| H::register(&*self.sink, &self.key))
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
