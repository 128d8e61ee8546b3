//! The spool: lines in files, so that whoever kills the process does not kill them.
//!
//! A directory holds segments, each the lines of one push; the number in a segment's name says when
//! its turn is. A segment is a row of records: length, checksum (both of 4 bytes, little endian)
//! and a push of Loki's protocol. A record that was cut off ends its segment; what is before it is
//! read. Nothing is synced: a process that is killed loses nothing that was written, a machine that
//! loses its power may.

use crate::{
    batch::{Batch, Span},
    config::SpoolConfig,
};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

const ENDING: &str = "segment";

/// Bytes before a record's push.
const HEAD_BYTES: usize = 8;

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error("the log spool {} is in use by another process", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// It cannot be read or written.
    #[error("cannot use the log spool {}: {source}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A directory of segments, which is this process's alone.
pub(crate) struct Spool {
    directory: PathBuf,
    next: u64,
    // Locked for as long as it is open.
    _lock: File,
}

/// A segment that is being written.
pub(crate) struct OpenSegment {
    file: File,
    segment: Segment,
    /// Bytes of its lines before compression.
    pub(crate) plain_bytes: usize,
}

/// Lines of one push, in a file.
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    pub(crate) span: Span,
}

impl Spool {
    /// Takes the directory, and finds what an earlier process left in it, oldest first.
    pub(crate) fn open(config: &SpoolConfig) -> Result<(Self, Vec<Segment>), SpoolError> {
        let directory = config.directory.clone();
        let failed = |source| SpoolError::Io { directory: directory.clone(), source };
        fs::create_dir_all(&directory).map_err(failed)?;
        let lock = File::create(directory.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::InUse { directory }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let names = numbered(&directory).map_err(failed)?;
        let next = names.last().map_or(0, |(number, _)| number + 1);
        let found = names.into_iter().map(|(_, path)| Segment::find(path).map_err(failed));
        let found: Vec<Segment> = found.collect::<Result<_, _>>()?;
        let (found, empty): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.lines > 0);
        empty.into_iter().for_each(Segment::delete);
        Ok((Self { directory, next, _lock: lock }, found))
    }

    /// Begins the next segment.
    pub(crate) fn begin(&mut self) -> io::Result<OpenSegment> {
        let path = self.directory.join(format!("{:020}.{ENDING}", self.next));
        let file = File::create_new(&path)?;
        self.next += 1;
        let segment = Segment { path, lines: 0, bytes: 0, span: Span::default() };
        Ok(OpenSegment { file, segment, plain_bytes: 0 })
    }
}

impl OpenSegment {
    /// Writes lines behind those that are there; all of them or none.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> io::Result<()> {
        let push = batch.encode();
        let length = u32::try_from(push.len()).map_err(io::Error::other)?;
        let mut record = Vec::with_capacity(HEAD_BYTES + push.len());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(&push).to_le_bytes());
        record.extend_from_slice(&push);
        if let Err(error) = self.file.write_all(&record) {
            // If that fails too, the checksum tells.
            let _cut_off = self.file.set_len(self.segment.bytes);
            return Err(error);
        }
        self.segment.bytes += record.len() as u64;
        self.plain_bytes += batch.bytes;
        self.segment.lines += batch.lines;
        self.segment.span.cover(batch.span);
        Ok(())
    }

    /// What is in it so far.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Nothing is added any more.
    pub(crate) fn seal(self) -> Segment {
        self.segment
    }
}

impl Segment {
    /// A segment that an earlier process left.
    fn find(path: PathBuf) -> io::Result<Self> {
        let file_bytes = fs::metadata(&path)?.len();
        let mut segment = Self { path, lines: 0, bytes: file_bytes, span: Span::default() };
        let (batch, read) = segment.records()?;
        if read < file_bytes {
            let file = segment.path.display();
            let bytes = file_bytes - read;
            tracing::warn!(%file, bytes, "the log spool has a damaged end");
        }
        (segment.lines, segment.span) = (batch.lines, batch.span);
        Ok(segment)
    }

    /// Its lines.
    pub(crate) fn read(&self) -> io::Result<Batch> {
        self.records().map(|(batch, _)| batch)
    }

    /// All records up to the first that is damaged, and how many bytes they have.
    fn records(&self) -> io::Result<(Batch, u64)> {
        let file = fs::read(&self.path)?;
        let mut batch = Batch::default();
        let mut rest = file.as_slice();
        while let Some((push, behind)) = record(rest) {
            let Ok(more) = Batch::decode(push) else { break };
            batch.append(more);
            rest = behind;
        }
        Ok((batch, (file.len() - rest.len()) as u64))
    }

    /// Its lines are no longer needed. What cannot be deleted comes again after a restart.
    pub(crate) fn delete(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            let file = self.path.display();
            tracing::warn!(%file, %error, "cannot delete from the log spool");
        }
    }
}

/// The first record, and what is behind it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (checksum, bytes) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (push, behind) = bytes.split_at_checked(length)?;
    (crc32fast::hash(push) == u32::from_le_bytes(*checksum)).then_some((push, behind))
}

/// The segments of a directory by their numbers; what is not one is left alone.
fn numbered(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let Some(number) = stem.and_then(|stem| stem.parse().ok())
            && path.extension().is_some_and(|ending| ending == ENDING)
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
