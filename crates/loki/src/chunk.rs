//! Lines of one push: while it grows, and when it waits to be sent.

use crate::{
    batch::{Batch, Span},
    level::Level,
    spool::{OpenSegment, Segment},
};
use bytes::Bytes;
use std::io;

/// A push that grows.
pub(crate) enum OpenChunk {
    Memory(Batch),
    Spool(OpenSegment),
}

/// A push that waits.
pub(crate) enum Chunk {
    Memory { body: Bytes, lines: u64, span: Span },
    Spool(Segment),
}

impl OpenChunk {
    /// Bytes of its lines before compression.
    pub(crate) fn plain_bytes(&self) -> usize {
        match self {
            Self::Memory(batch) => batch.bytes,
            Self::Spool(segment) => segment.plain_bytes,
        }
    }

    /// What it adds to the queue.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::Memory(batch) => in_memory(batch.lines, batch.bytes, batch.span),
            Self::Spool(segment) => in_spool(segment.segment()),
        }
    }

    /// Compresses what is in memory.
    pub(crate) fn seal(self) -> Chunk {
        match self {
            Self::Memory(mut batch) => {
                let (lines, span) = (batch.lines, batch.span);
                Chunk::Memory { body: batch.encode().into(), lines, span }
            }
            Self::Spool(segment) => Chunk::Spool(segment.seal()),
        }
    }
}

impl Chunk {
    /// The push itself, and how many lines it should have but has not: what the disk has lost
    /// since it was written.
    pub(crate) fn body(&mut self) -> io::Result<(Bytes, u64)> {
        match self {
            Self::Memory { body, .. } => Ok((body.clone(), 0)),
            Self::Spool(segment) => {
                let mut batch = segment.read()?;
                if batch.lines == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let lost = segment.lines.saturating_sub(batch.lines);
                segment.lines = batch.lines;
                Ok((batch.encode().into(), lost))
            }
        }
    }

    /// What it adds to the queue.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::Memory { body, lines, span } => in_memory(*lines, body.len(), *span),
            Self::Spool(segment) => in_spool(segment),
        }
    }

    /// When its lines were logged.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Memory { span, .. } => *span,
            Self::Spool(segment) => segment.span,
        }
    }

    /// Its lines are no longer needed.
    pub(crate) fn delete(self) {
        if let Self::Spool(segment) = self {
            segment.delete();
        }
    }
}

fn in_memory(lines: u64, bytes: usize, span: Span) -> Level {
    Level { lines, memory_bytes: bytes as u64, oldest: span.oldest, ..Level::default() }
}

fn in_spool(segment: &Segment) -> Level {
    Level {
        lines: segment.lines,
        spooled: segment.lines,
        spool_bytes: segment.bytes,
        oldest: segment.span.oldest,
        ..Level::default()
    }
}
