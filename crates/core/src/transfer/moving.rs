//! Moving: portion by portion, each with the place it ends at.

use super::{Part, Record, bytes};
use crate::port::{BlobStore, Export, Fault, Import, Progress};
use std::sync::Arc;

/// Records that are moved at once.
const RECORDS: usize = 1_000;

/// Uploads that are moved at once: their bytes are moved again when it is not finished.
const UPLOADS: usize = 16;

/// A store that is read.
pub struct Source {
    /// Its records.
    pub records: Box<dyn Export>,
    /// The bytes of its uploads.
    pub blobs: Arc<dyn BlobStore>,
}

/// A store that is filled.
pub struct Target {
    /// Its records.
    pub records: Box<dyn Import>,
    /// The bytes of its uploads.
    pub blobs: Arc<dyn BlobStore>,
}

/// What is being done to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It is moved.
    Move,
    /// It is read again from both stores and compared.
    Compare,
}

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub work: Work,
    /// To which part.
    pub part: Part,
    /// Records of this part that it was done to.
    pub done: u64,
    /// Records that the part has.
    pub of: u64,
}

/// Why a move stopped. It may go on where it was left.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The source failed.
    #[error("cannot read {} from the source: {source}", part.name())]
    Read {
        /// What was read.
        part: Part,
        /// Why.
        source: Fault,
    },
    /// The destination failed.
    #[error("cannot write {} to the destination: {source}", part.name())]
    Write {
        /// What was written.
        part: Part,
        /// Why.
        source: Fault,
    },
    /// The destination failed while what it holds was read again.
    #[error("cannot read {} from the destination: {source}", part.name())]
    ReadAgain {
        /// What was read.
        part: Part,
        /// Why.
        source: Fault,
    },
}

/// Moves everything that is not there yet. `watch` hears of each portion.
pub async fn move_all(
    source: &mut Source,
    target: &mut Target,
    begun: Progress,
    watch: &mut dyn FnMut(Step),
) -> Result<(), TransferError> {
    let mut here = begun;
    while let Some(part) = here.part {
        let of = source.records.count(part).await;
        let of = of.map_err(|source| TransferError::Read { part, source })?;
        watch(Step { work: Work::Move, part, done: here.moved, of });
        while here.part == Some(part) {
            let (next, moved) = move_portion(source, target, part, &here).await?;
            watch(Step { work: Work::Move, part, done: moved, of });
            here = next;
        }
    }
    Ok(())
}

/// Records to be read at once.
pub(super) fn portion(part: Part) -> usize {
    match part {
        Part::Uploads => UPLOADS,
        _ => RECORDS,
    }
}

/// Moves a portion: where it ends, and how many of the part were moved.
async fn move_portion(
    source: &mut Source,
    target: &mut Target,
    part: Part,
    here: &Progress,
) -> Result<(Progress, u64), TransferError> {
    let limit = portion(part);
    let batch = source.records.read(part, here.after.as_ref(), limit).await;
    let batch = batch.map_err(|source| TransferError::Read { part, source })?;
    if part == Part::Uploads {
        copy_bytes(source, target, &batch.records).await?;
    }
    let moved = here.moved + batch.records.len() as u64;
    let next = match batch.end {
        Some(end) if batch.records.len() == limit => {
            Progress { part: Some(part), after: Some(end), moved }
        }
        _ => Progress::at(part.next()),
    };
    let written = target.records.write(here, &batch.records, &next).await;
    written.map_err(|source| TransferError::Write { part, source })?;
    Ok((next, moved))
}

/// Bytes go first, so that no upload is without them.
async fn copy_bytes(
    source: &Source,
    target: &Target,
    uploads: &[Record],
) -> Result<(), TransferError> {
    for id in uploads.iter().filter_map(|upload| bytes::upload_id(upload)) {
        bytes::copy(&*source.blobs, &*target.blobs, id).await?;
    }
    Ok(())
}
