//! The ledger: where every line is. Each move of a line is one entry under one lock, so whoever
//! reads sees every line exactly once.

use crate::{
    level::Level,
    limits::{LANE_LINES_MAX, LANES, PATIENCE, PIPE_LINES_MAX},
    metrics::{DropReason, PushStatus},
    status::Status,
    time::now,
};
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// Where every line is.
#[derive(Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
    room: Condvar,
}

struct Books {
    status: Status,
    /// When the pipe was last seen to deliver, while it holds something.
    pipe_since: Option<SystemTime>,
    lanes: [Lane; LANES],
    /// How many wait for room.
    waiting: usize,
    /// Whether somebody waited in vain since a lane was last emptied, so that nobody else does.
    is_stuck: bool,
    phase: Phase,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            status: Status::default(),
            pipe_since: None,
            lanes: [Lane::default(); LANES],
            waiting: 0,
            is_stuck: false,
            phase: Phase::default(),
        }
    }
}

/// Lines of one tracing-loki channel, which has a fixed size and drops in silence.
#[derive(Clone, Copy, Default)]
struct Lane {
    /// Lines that were let in.
    reserved: u64,
    /// Lines that are in the channel, or were.
    completed: u64,
    /// Lines that are known to have left it.
    drained: u64,
    /// Lines of it that came to the relay.
    delivered: u64,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    #[default]
    Open,
    /// Nothing comes in any more.
    Closing,
    /// Nothing moves any more.
    Closed,
}

/// How long a line may wait for room.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// A few milliseconds.
    Some,
    /// It goes in whether there is room or not: what wakes tracing-loki.
    Urgent,
}

/// Leave to put one line into a lane. Dropped without being handed over, the line is lost, and
/// counted so.
pub(crate) struct Ticket<'a> {
    ledger: &'a Ledger,
    pub(crate) lane: usize,
    is_handed_over: bool,
}

impl Ledger {
    /// Takes a line in, or counts it as dropped.
    pub(crate) fn admit(&self, patience: Patience) -> Option<Ticket<'_>> {
        let mut books = self.books();
        let mut lane = books.lane(patience);
        if lane == Err(DropReason::BufferFull) && patience == Patience::Some && !books.is_stuck {
            books.waiting += 1;
            let is_full = |books: &mut Books| books.lane(patience) == Err(DropReason::BufferFull);
            let waited = self.room.wait_timeout_while(books, PATIENCE, is_full);
            let (waited, time) = waited.unwrap_or_else(PoisonError::into_inner);
            books = waited;
            books.waiting -= 1;
            books.is_stuck = time.timed_out();
            lane = books.lane(patience);
        }
        books.status.accepted += 1;
        let lane = match lane {
            Ok(lane) => lane,
            Err(reason) => {
                books.status.dropped[reason as usize] += 1;
                return None;
            }
        };
        books.lanes[lane].reserved += 1;
        if books.status.arriving == 0 {
            books.pipe_since = Some(now());
        }
        books.status.arriving += 1;
        books.status.queued += 1;
        Some(Ticket { ledger: self, lane, is_handed_over: false })
    }

    /// A lane may be about to be emptied: what is in it for certain, and whether all that left it
    /// before has come to the relay.
    pub(crate) fn look(&self, lane: usize) -> (u64, bool) {
        let lane = self.books().lanes[lane];
        (lane.completed, lane.delivered >= lane.drained)
    }

    /// Lines of a lane came to the relay.
    pub(crate) fn delivered(&self, lane: usize, lines: u64) {
        if let Some(lane) = self.books().lanes.get_mut(lane) {
            lane.delivered += lines;
        }
    }

    /// A lane has been emptied of all that was in it before.
    pub(crate) fn drained(&self, lane: usize, completed: u64) {
        let mut books = self.books();
        books.lanes[lane].drained = completed;
        books.is_stuck = false;
        if books.waiting > 0 {
            self.room.notify_all();
        }
    }

    /// Lines came from the pipe into the queue.
    pub(crate) fn arrived(&self, lines: u64, level: Level) {
        self.change(|books| {
            books.leave_the_pipe(lines);
            books.set(level);
        });
    }

    /// Lines were found in the spool.
    pub(crate) fn found(&self, lines: u64, level: Level) {
        self.change(|books| {
            books.status.accepted += lines;
            books.status.queued += lines;
            books.set(level);
        });
    }

    /// Lines of the pipe were not let into the queue.
    pub(crate) fn turned_away(&self, lines: u64, reason: DropReason) {
        self.change(|books| {
            books.leave_the_pipe(lines);
            books.status.queued -= lines;
            books.status.dropped[reason as usize] += lines;
        });
    }

    /// Lines of the queue were given up.
    pub(crate) fn dropped(&self, lines: u64, reason: DropReason, level: Level) {
        self.change(|books| {
            books.status.queued -= lines;
            books.status.dropped[reason as usize] += lines;
            books.set(level);
        });
    }

    /// Lines of the queue were accepted by the log store.
    pub(crate) fn sent(&self, lines: u64, bytes: u64, level: Level) {
        self.change(|books| {
            books.status.queued -= lines;
            books.status.sent += lines;
            books.status.sent_bytes += bytes;
            books.set(level);
        });
    }

    /// A push ended; what was wrong with it, if something was.
    pub(crate) fn answered(&self, status: PushStatus, trouble: Option<String>) {
        self.change(|books| {
            books.status.requests[status as usize] += 1;
            if status == PushStatus::Accepted {
                books.status.last_success = Some(now());
            }
            books.status.trouble = trouble;
        });
    }

    /// A push will be tried again.
    pub(crate) fn retried(&self) {
        self.change(|books| books.status.retries += 1);
    }

    /// Lets nothing in any more.
    pub(crate) fn close(&self) {
        let mut books = self.books();
        if books.phase == Phase::Open {
            books.phase = Phase::Closing;
        }
        self.room.notify_all();
    }

    /// Whether somebody who was let in has yet to put the line into its lane.
    pub(crate) fn is_handing_over(&self) -> bool {
        self.books().lanes.iter().any(|lane| lane.reserved != lane.completed)
    }

    /// The end: what is not in the spool is given up, and nothing moves any more.
    pub(crate) fn finish(&self) {
        let mut books = self.books();
        if books.phase != Phase::Closed {
            books.phase = Phase::Closed;
            let kept = books.status.spooled;
            let lost = books.status.queued - kept;
            books.status.dropped[DropReason::Shutdown as usize] += lost;
            (books.status.arriving, books.status.queued) = (0, kept);
            books.status.memory_bytes = 0;
        }
        self.room.notify_all();
    }

    /// Where every line is now.
    pub(crate) fn status(&self) -> Status {
        let books = self.books();
        let mut status = books.status.clone();
        let waiting = books.pipe_since.filter(|_| status.arriving > 0);
        status.oldest = match (status.oldest, waiting) {
            (Some(queue), Some(pipe)) => Some(queue.min(pipe)),
            (queue, pipe) => queue.or(pipe),
        };
        status
    }

    /// After the end nothing is counted.
    fn change(&self, change: impl FnOnce(&mut Books)) {
        let mut books = self.books();
        if books.phase != Phase::Closed {
            change(&mut books);
        }
    }

    /// Whatever panics elsewhere leaves the books whole.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// A lane with room, or why there is none.
    fn lane(&self, patience: Patience) -> Result<usize, DropReason> {
        if self.phase != Phase::Open {
            return Err(DropReason::Shutdown);
        }
        if patience == Patience::Urgent {
            return Ok(0);
        }
        let has_room = |lane: &Lane| lane.reserved - lane.drained < LANE_LINES_MAX;
        let lane = self.lanes.iter().position(has_room);
        lane.filter(|_| self.status.arriving < PIPE_LINES_MAX).ok_or(DropReason::BufferFull)
    }

    /// A push to the relay whose answer was lost comes twice; the second time its lines are new.
    fn leave_the_pipe(&mut self, lines: u64) {
        let new = lines.saturating_sub(self.status.arriving);
        self.status.accepted += new;
        self.status.queued += new;
        self.status.arriving -= lines - new;
        self.pipe_since = Some(now());
    }

    fn set(&mut self, level: Level) {
        self.status.memory_bytes = level.memory_bytes;
        self.status.spool_bytes = level.spool_bytes;
        self.status.spooled = level.spooled;
        self.status.oldest = level.oldest;
    }
}

impl Ticket<'_> {
    /// The line is in its lane.
    pub(crate) fn hand_over(mut self) {
        self.is_handed_over = true;
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut books = self.ledger.books();
        books.lanes[self.lane].completed += 1;
        if !self.is_handed_over && books.phase != Phase::Closed {
            books.status.arriving -= 1;
            books.status.queued -= 1;
            books.status.dropped[DropReason::Other as usize] += 1;
        }
    }
}

#[cfg(test)]
mod tests;
