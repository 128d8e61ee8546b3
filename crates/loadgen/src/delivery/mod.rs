//! Whether messages arrive: each one, once, in order, at everybody who listens.

mod fault;
mod gaps;
mod reader;
mod book;
mod ledger;

pub use fault::{Fault, Faults};
pub(crate) use gaps::Gaps;
pub use ledger::{Ledger, ReaderId};
