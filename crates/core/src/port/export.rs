//! Exports: everything a store holds, as it was at one moment.

use super::Fault;
use crate::transfer::{Cursor, Part, Record};
use async_trait::async_trait;

/// Reads everything a store holds.
///
/// All of it is of one moment, that at which the export was opened: what is written meanwhile is
/// not seen. Nothing is changed.
#[async_trait]
pub trait Export: Send {
    /// How many records a part has.
    async fn count(&mut self, part: Part) -> Result<u64, Fault>;

    /// The records of a part after a place, from the start where there is none; at most `limit`,
    /// which is not 0. Fewer are the last ones. Each record comes once, and a later export of a
    /// store that was not changed has the same order.
    async fn read(
        &mut self,
        part: Part,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Batch, Fault>;

    /// Lets go of the store.
    async fn close(self: Box<Self>);
}

/// Records that were read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The records.
    pub records: Vec<Record>,
    /// Where the last one stands; `None` when there is no record.
    pub end: Option<Cursor>,
}
