//! The queue: lines that wait for the log store, in pushes, bounded in bytes and in lines.

use crate::{
    batch::Batch,
    chunk::{Chunk, OpenChunk},
    config::Bounds,
    ledger::Ledger,
    level::Level,
    line::harmless,
    metrics::DropReason,
    spool::{Segment, Spool},
    time::now,
};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

/// Lines that wait. Every change of it is an entry in the ledger.
pub(crate) struct Queue {
    bounds: Bounds,
    ledger: Arc<Ledger>,
    spool: Option<Spool>,
    /// What the next lines are added to, and since when there is something in it.
    open: Option<(OpenChunk, Instant)>,
    /// What waits to be sent, oldest first.
    sealed: VecDeque<Chunk>,
    /// What all in `sealed` adds up to.
    sealed_level: Level,
    /// Whether the first of `sealed` is on its way, so that it cannot make room for others.
    is_leased: bool,
    is_spool_ill: bool,
}

/// A push to be made.
pub(crate) struct Push {
    pub(crate) body: Bytes,
    lines: u64,
}

/// When there is something to send.
#[derive(Debug, PartialEq)]
pub(crate) enum Readiness {
    Now,
    At(Instant),
    Empty,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds, ledger: Arc<Ledger>) -> Self {
        Self {
            bounds,
            ledger,
            spool: None,
            open: None,
            sealed: VecDeque::new(),
            sealed_level: Level::default(),
            is_leased: false,
            is_spool_ill: false,
        }
    }

    /// Keeps lines in a spool from now on, and sends first what was found in it.
    pub(crate) fn keep_in(&mut self, spool: Spool, found: Vec<Segment>) {
        self.spool = Some(spool);
        for segment in found {
            let lines = segment.lines;
            self.enter(Chunk::Spool(segment));
            self.ledger.found(lines, self.level());
        }
        self.trim();
    }

    /// Takes in what came from tracing-loki.
    pub(crate) fn take(&mut self, batch: Batch) {
        let mut piece = Batch::default();
        let mut too_long = 0;
        for (labels, mut entry) in batch.into_lines() {
            entry.line = harmless(entry.line, self.bounds.value_bytes);
            if entry.line.len() > self.bounds.line_bytes {
                too_long += 1;
                continue;
            }
            if !self.has_room_for(&piece, piece.room_for(&labels, &entry)) {
                self.put(mem::take(&mut piece));
                self.seal();
            }
            piece.add(&labels, entry);
        }
        self.put(piece);
        self.ledger.turned_away(too_long, DropReason::LineTooLong);
        self.trim();
    }

    /// When something can be sent: at once if a push is full, else when its lines have waited for
    /// others.
    pub(crate) fn readiness(&self, linger: Duration) -> Readiness {
        match &self.open {
            _ if !self.sealed.is_empty() => Readiness::Now,
            Some((_, since)) if since.elapsed() >= linger => Readiness::Now,
            Some((_, since)) => Readiness::At(*since + linger),
            None => Readiness::Empty,
        }
    }

    /// The push whose turn it is. It stays until it is settled.
    pub(crate) fn lease(&mut self) -> Option<Push> {
        if self.sealed.is_empty() {
            self.seal();
        }
        loop {
            let first = self.sealed.front_mut()?;
            let expiry = now().checked_sub(self.bounds.age);
            if expiry.is_some() && first.span().newest < expiry {
                self.give_up(0, DropReason::Expired);
                continue;
            }
            let level = first.level();
            match first.body() {
                Ok((body, lost)) => {
                    let lines = level.lines - lost;
                    self.sealed_level -= level;
                    self.sealed_level += first.level();
                    if lost > 0 {
                        tracing::warn!(lines = lost, "the log spool has lost lines");
                        self.ledger.dropped(lost, DropReason::Other, self.level());
                    }
                    self.is_leased = true;
                    return Some(Push { body, lines });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot read from the log spool");
                    self.give_up(0, DropReason::Other);
                }
            }
        }
    }

    /// The push that was leased was accepted.
    pub(crate) fn sent(&mut self, push: &Push) {
        self.is_leased = false;
        self.leave(0);
        self.ledger.sent(push.lines, push.body.len() as u64, self.level());
    }

    /// The push that was leased was refused for good.
    pub(crate) fn rejected(&mut self) {
        self.is_leased = false;
        self.give_up(0, DropReason::Rejected);
    }

    /// The push that was leased will be tried again, if it need not make room before.
    pub(crate) fn released(&mut self) {
        self.is_leased = false;
        self.trim();
    }

    /// Whether a line can go with others into what is open.
    fn has_room_for(&self, piece: &Batch, bytes: usize) -> bool {
        let open = self.open.as_ref().map(|(open, _)| (open.plain_bytes(), open.level().lines));
        let (open_bytes, open_lines) = open.unwrap_or_default();
        open_bytes + piece.bytes + bytes <= self.bounds.push_bytes
            && open_lines + piece.lines < self.bounds.push_entries
    }

    /// Adds lines to what is open.
    fn put(&mut self, piece: Batch) {
        let lines = piece.lines;
        if lines == 0 {
            return;
        }
        if let Err(piece) = self.put_on_disk(piece) {
            self.put_in_memory(piece);
        }
        self.ledger.arrived(lines, self.level());
    }

    /// Gives the lines back if there is no disk, or it does not take them.
    fn put_on_disk(&mut self, mut piece: Batch) -> Result<(), Batch> {
        let Some(spool) = &mut self.spool else { return Err(piece) };
        if self.open.is_none() {
            match spool.begin() {
                Ok(segment) => self.open = Some((OpenChunk::Spool(segment), Instant::now())),
                Err(error) => self.tell_of_spool(Err(error)),
            }
        }
        let Some((OpenChunk::Spool(segment), _)) = &mut self.open else { return Err(piece) };
        let written = segment.append(&mut piece);
        let is_written = written.is_ok();
        self.tell_of_spool(written);
        if is_written {
            return Ok(());
        }
        self.seal();
        Err(piece)
    }

    fn put_in_memory(&mut self, piece: Batch) {
        match &mut self.open {
            Some((OpenChunk::Memory(batch), _)) => batch.append(piece),
            _ => {
                self.seal();
                self.open = Some((OpenChunk::Memory(piece), Instant::now()));
            }
        }
    }

    /// Warns when the spool begins to fail, not each time.
    fn tell_of_spool(&mut self, written: io::Result<()>) {
        let was_ill = mem::replace(&mut self.is_spool_ill, written.is_err());
        match written {
            Err(error) if !was_ill => {
                tracing::warn!(%error, "cannot write to the log spool, memory takes its place");
            }
            Ok(()) if was_ill => tracing::info!("the log spool can be written again"),
            _ => {}
        }
    }

    /// Adds nothing more to what is open.
    fn seal(&mut self) {
        let Some((open, _)) = self.open.take() else { return };
        match open.seal() {
            // The disk did not even take the first lines.
            empty if empty.level().lines == 0 => empty.delete(),
            chunk => self.enter(chunk),
        }
    }

    fn enter(&mut self, chunk: Chunk) {
        self.sealed_level += chunk.level();
        self.sealed.push_back(chunk);
    }

    fn leave(&mut self, place: usize) {
        if let Some(chunk) = self.sealed.remove(place) {
            self.sealed_level -= chunk.level();
            chunk.delete();
        }
    }

    fn give_up(&mut self, place: usize, reason: DropReason) {
        let lines = self.sealed[place].level().lines;
        self.leave(place);
        self.ledger.dropped(lines, reason, self.level());
    }

    /// Drops the oldest until the rest is within the bounds.
    fn trim(&mut self) {
        while let Some(is_to_blame) = self.excess() {
            let skipped = usize::from(self.is_leased);
            let droppable = self.sealed.iter().skip(skipped);
            match droppable.map(Chunk::level).position(|level| is_to_blame(&level)) {
                Some(place) => self.give_up(place + skipped, DropReason::BufferFull),
                // What is open is smaller once it is compressed.
                None if self.open.is_some() => self.seal(),
                None => return,
            }
        }
    }

    /// Which bound is exceeded: tells what has a part in it.
    fn excess(&self) -> Option<fn(&Level) -> bool> {
        let level = self.level();
        if level.memory_bytes > self.bounds.memory_bytes {
            Some(|level| level.memory_bytes > 0)
        } else if level.spool_bytes > self.bounds.spool_bytes {
            Some(|level| level.spool_bytes > 0)
        } else if level.lines > self.bounds.entries {
            Some(|_| true)
        } else {
            None
        }
    }

    fn level(&self) -> Level {
        let mut level = self.sealed_level;
        let open = self.open.as_ref().map(|(open, _)| open.level());
        level += open.unwrap_or_default();
        let first = self.sealed.front().map(|chunk| chunk.level().oldest);
        level.oldest = first.unwrap_or(open.and_then(|open| open.oldest));
        level
    }
}

#[cfg(test)]
mod tests;
