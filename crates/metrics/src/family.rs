//! The series of one metric, made once and found by index.

use std::time::Duration;

use metrics::Key;

use crate::description::Description;
use crate::label::LabelSet;
use crate::registry::Registry;

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
/// share the cell of the overflow, which `overflowing` makes count what it takes.
pub(crate) fn cells<L: LabelSet, H: Clone>(
    registry: &Registry,
    description: &'static Description,
    make: impl Fn(&Key) -> H,
    overflowing: impl Fn(H, metrics::Counter) -> H,
) -> std::sync::Arc<[H]> {
    let mut cells: Vec<H> = Vec::with_capacity(L::BOUND);
    for index in 0..L::BOUND {
        let cell = L::cell(index, registry.label_values());
        // The overflow is at place 0 of its label, so a home always comes first.
        if cell.home < index {
            cells.push(cells[cell.home].clone());
            continue;
        }
        let handle = make(&Key::from_parts(description.name, cell.labels));
        cells.push(if cell.overflow {
            overflowing(handle, registry.overflows_of(description))
        } else {
            handle
        });
    }
    cells.into()
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
