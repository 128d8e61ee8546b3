//! An outbox: the frames that wait for one connection, bounded in bytes and in age.
//!
//! It lives on one worker thread, so pushing is a few plain writes: no lock, no atomic. What was
//! written is counted once per write, not once per copy.

use super::{
    class::Class,
    round::Round,
    tally::{Sent, Tally},
};
use crate::{
    event::Accepted,
    labels::{CloseReason, DropReason, Transport},
    limits::Limits,
    time::Moment,
};
use bytes::Bytes;
use std::{
    cell::{OnceCell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// A complete frame on its way to one connection.
#[derive(Debug)]
struct Frame {
    bytes: Bytes,
    /// Since when it waits for the reader, whenever its event was accepted.
    queued: Moment,
    accepted: Accepted,
    class: Class,
}

/// Writes to a connection at once, without its writer.
pub trait DirectWriter {
    /// Writes what goes out at once of `bytes`; how many that were. None while what the writer took
    /// before is still on its way. `waiting` are the bytes in the outbox, with these.
    fn write(&self, bytes: &[u8], waiting: usize) -> usize;
}

/// What the connection's writer gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A frame to write.
    Frame(Bytes),
    /// Everything was written, and nothing comes any more.
    Ended(CloseReason),
}

/// The frames that wait for one connection.
///
/// Bounds: at most `outbox_bytes_max` wait, and none longer than `outbox_age_max`; a connection
/// that does not keep up ends with [`CloseReason::SlowConsumer`] and its frames are given up. Above
/// `outbox_ephemeral_bytes_max`, ephemeral frames are not taken.
pub struct Outbox {
    queue: RefCell<Queue>,
    tally: Rc<Tally>,
    sent: Rc<Sent>,
    transport: Transport,
    bounds: Bounds,
    round: Rc<Round>,
    direct: OnceCell<Box<dyn DirectWriter>>,
}

#[derive(Clone, Copy)]
struct Bounds {
    bytes_max: usize,
    ephemeral_bytes_max: usize,
    age_max: std::time::Duration,
}

#[derive(Default)]
struct Queue {
    /// The end of a frame whose beginning was written: nothing but this may come next.
    rest: Bytes,
    frames: VecDeque<Frame>,
    /// Of all frames, and of the rest.
    bytes: usize,
    /// The end of the round writes what is here.
    is_filled: bool,
    ended: Option<CloseReason>,
    /// The writer, waiting for a frame.
    writer: Option<Waker>,
    /// The reader, waiting for the end.
    reader: Option<Waker>,
    written: Written,
}

/// Copies of one kind that were written and not yet counted.
#[derive(Default)]
struct Written {
    copies: u64,
    class: Option<Class>,
    /// When the first of them was accepted.
    accepted: Accepted,
}

/// Written copies after which they are counted even though the writer goes on.
const COPIES_PER_COUNT: u64 = 64;

/// Frames above which an emptied queue gives its memory back.
const FRAMES_KEPT: usize = 32;

/// Bytes from which on no more frames are put together for one write.
const TOGETHER_MAX: usize = 64 * 1024;

impl Outbox {
    /// An empty outbox of a connection over `transport` that counts into `sent` and `tally`.
    pub(super) fn new(
        limits: &Limits,
        (sent, transport): (Rc<Sent>, Transport),
        (tally, round): (Rc<Tally>, Rc<Round>),
    ) -> Self {
        let bounds = Bounds {
            bytes_max: limits.outbox_bytes_max,
            ephemeral_bytes_max: limits.outbox_ephemeral_bytes_max,
            age_max: limits.outbox_age_max,
        };
        let (queue, direct) = (RefCell::default(), OnceCell::new());
        Self { queue, tally, sent, transport, bounds, round, direct }
    }

    /// What the fan-out pushes is written by `writer` from now on, as far as it goes out at once.
    pub fn set_direct_writer(&self, writer: Box<dyn DirectWriter>) {
        let _there_is_one = self.direct.set(writer);
    }

    /// Puts a complete frame at the end. Nothing is taken once the outbox has ended.
    pub fn push(self: &Rc<Self>, bytes: Bytes, class: Class) {
        let now = self.tally.now();
        self.push_accepted(bytes, class, now.into(), now);
    }

    /// Puts a frame whose event was accepted at `accepted`, which may be long ago: the store was slow,
    /// or the message is one that was missed.
    pub(super) fn push_accepted(
        self: &Rc<Self>,
        bytes: Bytes,
        class: Class,
        accepted: Accepted,
        now: Moment,
    ) {
        let mut queue = self.queue.borrow_mut();
        if let Some(ended) = queue.ended {
            return self.tally.dropped(drop_reason(ended), class, 1);
        }
        let bytes_after = queue.bytes + bytes.len();
        let ephemeral = matches!(class, Class::Ephemeral | Class::Presence(_));
        if ephemeral && bytes_after > self.bounds.ephemeral_bytes_max {
            return self.tally.dropped(DropReason::QueueFull, class, 1);
        }
        let oldest = queue.frames.front().map_or(now, |frame| frame.queued);
        if bytes_after > self.bounds.bytes_max || now.since(oldest) > self.bounds.age_max {
            drop(queue);
            self.tally.slow_consumer(self.transport);
            self.tally.dropped(DropReason::SlowConsumer, class, 1);
            return self.abort(CloseReason::SlowConsumer, DropReason::SlowConsumer);
        }
        queue.bytes = bytes_after;
        queue.frames.push_back(Frame { bytes, queued: now, accepted, class });
        self.tally.queued(1);
        if self.round.is_running() && self.direct.get().is_some() {
            if !std::mem::replace(&mut queue.is_filled, true) {
                self.round.has_filled(self);
            }
        } else if let Some(writer) = queue.writer.take() {
            writer.wake();
        }
    }

    /// Writes what waits as far as it goes out at once; the rest is the writer's. `together` is room
    /// for frames that leave in one write.
    pub(super) fn write_directly(&self, together: &mut Vec<u8>) {
        let mut queue = self.queue.borrow_mut();
        queue.is_filled = false;
        // A writer that does not wait has something on its way, or comes by itself.
        if queue.writer.is_none() {
            return;
        }
        while let (Some(writer), Some(first)) = (self.direct.get(), queue.frames.front()) {
            let bytes = match queue.frames.len() {
                1 => &first.bytes[..],
                _ => put_together(together, &queue.frames),
            };
            let (due, waiting) = (bytes.len(), queue.bytes);
            let written = writer.write(bytes, waiting);
            self.take_off(&mut queue, written);
            if written < due {
                queue.writer.take().into_iter().for_each(Waker::wake);
                return;
            }
        }
        self.is_empty(&mut queue);
    }

    /// The first `written` bytes were written: whole frames, and maybe the beginning of one more.
    fn take_off(&self, queue: &mut Queue, written: usize) {
        let mut left = written;
        while let Some(whole) = queue.frames.pop_front_if(|frame| frame.bytes.len() <= left) {
            left -= whole.bytes.len();
            self.taken(queue, &whole, whole.bytes.len());
        }
        if left > 0
            && let Some(mut begun) = queue.frames.pop_front()
        {
            self.taken(queue, &begun, left);
            queue.rest = begun.bytes.split_off(left);
        }
    }

    /// A frame of which so many bytes leave the outbox now.
    fn taken(&self, queue: &mut Queue, frame: &Frame, bytes: usize) {
        queue.bytes -= bytes;
        self.tally.unqueued(1);
        self.note(&mut queue.written, frame);
    }

    /// The next frame to write. Pending means that all was written: it is then that copies are
    /// counted and their latency is observed.
    pub fn poll_frame(&self, context: &mut Context<'_>) -> Poll<Outgoing> {
        let mut queue = self.queue.borrow_mut();
        if !queue.rest.is_empty() {
            let rest = std::mem::take(&mut queue.rest);
            queue.bytes -= rest.len();
            return Poll::Ready(Outgoing::Frame(rest));
        }
        if let Some(frame) = queue.frames.pop_front() {
            self.taken(&mut queue, &frame, frame.bytes.len());
            return Poll::Ready(Outgoing::Frame(frame.bytes));
        }
        self.is_empty(&mut queue);
        if let Some(reason) = queue.ended {
            return Poll::Ready(Outgoing::Ended(reason));
        }
        queue.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Ends the outbox: what waits is still written, nothing more is taken. The first reason
    /// stays.
    pub fn end(&self, reason: CloseReason) {
        let mut queue = self.queue.borrow_mut();
        queue.ended.get_or_insert(reason);
        let wakers = [queue.writer.take(), queue.reader.take()];
        drop(queue);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Ends the outbox and gives up what waits, but for the rest of a frame that was begun.
    pub fn abort(&self, reason: CloseReason, why: DropReason) {
        let mut queue = self.queue.borrow_mut();
        let frames = std::mem::take(&mut queue.frames);
        queue.bytes = queue.rest.len();
        drop(queue);
        self.tally.unqueued(frames.len());
        for frame in &frames {
            self.tally.dropped(why, frame.class, 1);
        }
        self.end(reason);
    }

    /// Gives up what waits, as there is nobody to write it any more.
    pub(crate) fn give_up(&self) {
        let ended = self.end_reason().unwrap_or(CloseReason::Other);
        self.abort(ended, drop_reason(ended));
    }

    /// Waits until the outbox has ended; says why.
    pub async fn ended(&self) -> CloseReason {
        poll_fn(|context| {
            let mut queue = self.queue.borrow_mut();
            if let Some(reason) = queue.ended {
                return Poll::Ready(reason);
            }
            queue.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Why the outbox has ended, if it has.
    pub fn end_reason(&self) -> Option<CloseReason> {
        self.queue.borrow().ended
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.queue.borrow().bytes
    }

    /// Everything was written.
    fn is_empty(&self, queue: &mut Queue) {
        self.count(&mut queue.written);
        if queue.frames.capacity() > FRAMES_KEPT {
            queue.frames = VecDeque::new();
        }
    }

    fn note(&self, written: &mut Written, frame: &Frame) {
        if written.class != Some(frame.class) || written.copies >= COPIES_PER_COUNT {
            self.count(written);
            written.class = Some(frame.class);
            written.accepted = frame.accepted;
        }
        written.copies += 1;
    }

    fn count(&self, written: &mut Written) {
        if let Some(class) = written.class.take() {
            let accepted = written.accepted;
            self.tally.written((&self.sent, self.transport), class, (written.copies, accepted));
            written.copies = 0;
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.give_up();
        let mut queue = self.queue.borrow_mut();
        self.count(&mut queue.written);
    }
}

/// The first frames as one piece of bytes.
fn put_together<'a>(together: &'a mut Vec<u8>, frames: &VecDeque<Frame>) -> &'a [u8] {
    together.clear();
    for frame in frames {
        together.extend_from_slice(&frame.bytes);
        if together.len() >= TOGETHER_MAX {
            break;
        }
    }
    together
}

/// Why something was not written to a connection that has ended so.
fn drop_reason(ended: CloseReason) -> DropReason {
    match ended {
        CloseReason::ServerShutdown => DropReason::Shutdown,
        _ => DropReason::NoRecipient,
    }
}

#[cfg(test)]
mod tests;
