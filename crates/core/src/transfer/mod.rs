//! Moving everything from one store to another, and proving that it arrived.
//!
//! A store is read as [records](Record), [part](Part) by part, each part in an order of its own.
//! What comes of it is written with the place that was reached, so that a move goes on where it
//! was left, whenever that was. Afterwards both stores are read again and compared.

mod part;
mod record;
mod tally;
mod moving;
mod bytes;
mod proof;

pub use moving::{Source, Step, Target, TransferError, Work, move_all};
pub use part::{Column, Kind, Part};
pub use proof::{Comparison, compare};
pub use record::{Cursor, CursorError, Record, Value};
pub use tally::Tally;
