//! What waits to be published, and how far each channel is counted.

use super::{CHANNELS, frame::put_count};
use campanile_core::port::Mark;
use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

/// Frames published in one call.
const BATCH_FRAMES_MAX: usize = 512;

/// Bytes published in one call; a single frame may have more.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Frames that wait, in order. A signal is counted when it is put in, and also when there is no
/// room for it: that is how the others learn that it is missing.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames_max: usize,
    state: Mutex<State>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    counts: [u64; CHANNELS],
    /// The counts of the last signals that were taken out.
    taken: [u64; CHANNELS],
    /// Marks that are to be set: one is enough for whoever wants one until it is taken out.
    marks: [Option<(u64, Arc<Mark>)>; CHANNELS],
    frames: VecDeque<Waiting>,
    beat: Option<u64>,
    farewell: Option<oneshot::Sender<()>>,
}

/// A frame that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) channel: usize,
    pub(crate) count: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) since: Instant,
    /// Who waits until Redis has it; dropped when it is lost.
    pub(crate) takes: Option<oneshot::Sender<()>>,
}

/// What is published next.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) frames: Vec<Waiting>,
    /// What follows them.
    pub(crate) marks: Vec<Marking>,
    /// What follows when nothing else waits.
    pub(crate) after: Option<After>,
    /// Frames that had waited too long and are lost.
    pub(crate) aged: usize,
}

/// A mark that is to be set, as a beat of this number.
#[derive(Debug)]
pub(crate) struct Marking {
    pub(crate) channel: usize,
    pub(crate) number: u64,
    /// The last signal before it.
    pub(crate) count: u64,
    pub(crate) mark: Arc<Mark>,
}

/// What follows the last frame: how far each channel is counted, and why that is said.
#[derive(Debug)]
pub(crate) struct After {
    pub(crate) counts: [u64; CHANNELS],
    pub(crate) beat: Option<u64>,
    pub(crate) farewell: Option<oneshot::Sender<()>>,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Outbox {
    pub(crate) fn new(frames_max: usize) -> Self {
        Self { frames_max, state: Mutex::default(), ready: Notify::new() }
    }

    /// Puts a signal in.
    pub(crate) fn put(&self, channel: usize, bytes: Vec<u8>) -> Result<(), Full> {
        self.put_awaited(channel, bytes, |_| None)
    }

    /// Puts a signal in for somebody who waits until Redis has it, and hears its count before
    /// anybody can have taken it out.
    pub(crate) fn put_awaited(
        &self,
        channel: usize,
        mut bytes: Vec<u8>,
        awaits: impl FnOnce(u64) -> Option<oneshot::Sender<()>>,
    ) -> Result<(), Full> {
        let mut state = self.state();
        state.counts[channel] += 1;
        if state.frames.len() >= self.frames_max {
            return Err(Full);
        }
        let count = state.counts[channel];
        put_count(&mut bytes, count);
        let (since, takes) = (Instant::now(), awaits(count));
        state.frames.push_back(Waiting { channel, count, bytes, since, takes });
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Counts a signal that cannot be sent.
    pub(crate) fn skip(&self, channel: usize) {
        self.state().counts[channel] += 1;
    }

    /// Asks for a beat of this number, or a later one.
    pub(crate) fn beat(&self, number: u64) {
        let mut state = self.state();
        state.beat = state.beat.max(Some(number));
        drop(state);
        self.ready.notify_one();
    }

    /// Asks for a mark on a channel, made by `make` with its number unless one is asked for already.
    pub(crate) fn mark(
        &self,
        channel: usize,
        make: impl FnOnce() -> (u64, Arc<Mark>),
    ) -> Arc<Mark> {
        let mut state = self.state();
        let (_, mark) = state.marks[channel].get_or_insert_with(make);
        let mark = mark.clone();
        drop(state);
        self.ready.notify_one();
        mark
    }

    /// Asks for a farewell after everything that waits. The answer comes when it was sent.
    pub(crate) fn leave(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.state().farewell = Some(sender);
        self.ready.notify_one();
        receiver
    }

    /// Waits until there may be something to publish.
    pub(crate) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Takes out what is published next; what has waited longer than `hold` is lost.
    pub(crate) fn take(&self, now: Instant, hold: Duration) -> Batch {
        let mut state = self.state();
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.frames.len() < BATCH_FRAMES_MAX && bytes < BATCH_BYTES_MAX {
            let Some(frame) = state.frames.pop_front() else {
                break;
            };
            state.taken[frame.channel] = frame.count;
            if now.duration_since(frame.since) > hold {
                batch.aged += 1;
                continue;
            }
            bytes += frame.bytes.len();
            batch.frames.push(frame);
        }
        for channel in 0..CHANNELS {
            if let Some((number, mark)) = state.marks[channel].take() {
                batch.marks.push(Marking { channel, number, count: state.taken[channel], mark });
            }
        }
        // How far it is counted is true only when everything counted is out.
        if !state.frames.is_empty() {
            self.ready.notify_one();
        } else if state.beat.is_some() || state.farewell.is_some() {
            let (beat, farewell) = (mem::take(&mut state.beat), mem::take(&mut state.farewell));
            batch.after = Some(After { counts: state.counts, beat, farewell });
        }
        batch
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(5);

    fn frame() -> Vec<u8> {
        vec![0; 26]
    }

    fn counts(batch: &Batch) -> Vec<u64> {
        let count = |frame: &Waiting| {
            u64::from_be_bytes(frame.bytes[1..9].try_into().expect("it has a head"))
        };
        batch.frames.iter().map(count).collect()
    }

    #[test]
    fn what_finds_no_room_is_counted_all_the_same() {
        let outbox = Outbox::new(2);
        assert_eq!(outbox.put(0, frame()), Ok(()));
        assert_eq!(outbox.put(0, frame()), Ok(()));
        assert_eq!(outbox.put(0, frame()), Err(Full));
        outbox.skip(0);
        outbox.beat(1);
        let batch = outbox.take(Instant::now(), HOLD);
        assert_eq!(counts(&batch), [1, 2]);
        assert_eq!(batch.after.expect("a beat was asked for").counts[0], 4);
    }

    #[test]
    fn a_beat_comes_after_everything_that_waits() {
        let outbox = Outbox::new(10_000);
        for _ in 0..BATCH_FRAMES_MAX + 1 {
            outbox.put(3, frame()).expect("there is room");
        }
        outbox.beat(7);
        outbox.beat(6);
        let first = outbox.take(Instant::now(), HOLD);
        assert!(first.after.is_none(), "one frame still waits");
        let second = outbox.take(Instant::now(), HOLD);
        assert_eq!(second.frames.len(), 1);
        assert_eq!(second.after.expect("nothing waits").beat, Some(7));
    }

    #[test]
    fn a_mark_comes_after_what_is_taken_out_with_it_and_is_shared_until_then() {
        let outbox = Outbox::new(10_000);
        for _ in 0..BATCH_FRAMES_MAX + 1 {
            outbox.put(3, frame()).expect("there is room");
        }
        let first = outbox.mark(3, || (7, Arc::default()));
        assert!(Arc::ptr_eq(&first, &outbox.mark(3, || (8, Arc::default()))));
        let batch = outbox.take(Instant::now(), HOLD);
        let marks: Vec<_> = batch.marks.iter().map(|mark| (mark.channel, mark.number)).collect();
        assert_eq!((marks, batch.marks[0].count), (vec![(3, 7)], BATCH_FRAMES_MAX as u64));
        assert!(!Arc::ptr_eq(&first, &outbox.mark(3, || (9, Arc::default()))), "it is on its way");
    }

    #[test]
    fn what_waits_too_long_is_lost() {
        let outbox = Outbox::new(10);
        outbox.put(0, frame()).expect("there is room");
        let batch = outbox.take(Instant::now() + HOLD * 2, HOLD);
        assert_eq!((batch.frames.len(), batch.aged), (0, 1));
    }
}
