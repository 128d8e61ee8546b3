//! Imports: a store that is filled from another.

use super::Fault;
use crate::transfer::{Cursor, Part, Record};
use async_trait::async_trait;

/// Fills a store.
///
/// A store that is being filled is opened by nobody else until it is finished: a server that
/// starts over it is refused.
#[async_trait]
pub trait Import: Send {
    /// Begins to fill an empty store, or goes on where filling it from the same source was left.
    /// `source` says which that is. Anything that this did not put there is left as it is, and
    /// refused.
    async fn begin(&mut self, source: &str) -> Result<Progress, BeginError>;

    /// Writes records of the part of `from`, and notes `to`, both or neither. A call again after
    /// an error that did happen does nothing twice: unless `from` is what is noted, it fails.
    async fn write(
        &mut self,
        from: &Progress,
        records: &[Record],
        to: &Progress,
    ) -> Result<(), Fault>;

    /// Notes that everything is there, and lets go of the store, which from now on is one as any
    /// other. It finds out first that the store is whole, where it can.
    async fn finish(self: Box<Self>) -> Result<(), Fault>;
}

/// How far filling a store has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being moved; `None` when everything was.
    pub part: Option<Part>,
    /// Up to where, as the source says; `None` before the first.
    pub after: Option<Cursor>,
    /// Records of this part that were moved.
    pub moved: u64,
}

impl Progress {
    /// Before anything was moved.
    pub const START: Self = Self::at(Some(Part::ALL[0]));

    /// Before anything of this part was moved.
    pub const fn at(part: Option<Part>) -> Self {
        Self { part, after: None, moved: 0 }
    }
}

/// Why a store is not filled.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// It holds something.
    #[error("the destination is not empty: it has {0}")]
    NotEmpty(&'static str),
    /// Another store was moved there.
    #[error("the destination was filled from {0}, not from this source")]
    Another(String),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
