//! What this node has said and has not heard back.

use super::CHANNELS;
use campanile_core::port::{Mark, Returned};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Signals of one channel whose return is waited for: about as many as wait to be said.
const EXPECTED_MAX: usize = 16 * 1_024;

/// Signals that come back, by their counts.
type Expected = VecDeque<(u64, Arc<Returned>)>;

/// Marks that come back, by the numbers of their beats.
type Marks = VecDeque<(u64, Arc<Mark>)>;

/// Since when each channel has been spoken on without an echo, and which signals come back to this
/// node.
#[derive(Debug)]
pub(crate) struct Unechoed {
    start: Instant,
    /// In milliseconds, 0 for never.
    since: [AtomicU64; CHANNELS],
    expected: [Mutex<Expected>; CHANNELS],
    marks: [Mutex<Marks>; CHANNELS],
    /// Since when nothing comes back.
    deaf_since: watch::Sender<Option<Instant>>,
}

impl Unechoed {
    pub(crate) fn new() -> Self {
        let (since, expected, marks, deaf_since) = Default::default();
        Self { start: Instant::now(), since, expected, marks, deaf_since }
    }

    /// A beat was published.
    pub(crate) fn spoken(&self, channel: usize) {
        let now = self.now();
        // An echo is waited for already, or from now on.
        let _ = self.since[channel].compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// A beat came back.
    pub(crate) fn echoed(&self, channel: usize) {
        self.since[channel].store(0, Ordering::SeqCst);
    }

    /// For how long an echo has been missing.
    pub(crate) fn missing(&self, channel: usize) -> Duration {
        match self.since[channel].load(Ordering::SeqCst) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.now().saturating_sub(since)),
        }
    }

    /// The signal of this count comes back. Counts rise.
    pub(crate) fn expect(&self, (channel, count): (usize, u64), returned: Arc<Returned>) {
        self.expected(channel).push_back((count, returned));
    }

    /// Whether as many are waited for as may be: a further one would be told to others and not here.
    pub(crate) fn is_full(&self, channel: usize) -> bool {
        self.expected(channel).len() >= EXPECTED_MAX
    }

    /// The signal of this count came back: what is to be told, once. Those before it do not come
    /// any more.
    pub(crate) fn returned(&self, channel: usize, count: u64) -> Option<Arc<Returned>> {
        let mut expected = self.expected(channel);
        give_up(&mut expected, |known| known < count);
        expected.pop_front_if(|(known, _)| *known == count).map(|(_, returned)| returned)
    }

    /// A beat after the signal of this count came back.
    pub(crate) fn passed(&self, channel: usize, count: u64) {
        give_up(&mut self.expected(channel), |known| known <= count);
    }

    /// The mark comes back with the beat of this number, or a later one. Numbers rise.
    pub(crate) fn expect_mark(&self, (channel, number): (usize, u64), mark: Arc<Mark>) {
        self.marks(channel).push_back((number, mark));
    }

    /// The beat of this number came back: a mark that came with it, until there is none.
    pub(crate) fn marked(&self, channel: usize, number: u64) -> Option<Arc<Mark>> {
        self.marks(channel).pop_front_if(|(known, _)| *known <= number).map(|(_, mark)| mark)
    }

    /// Whether nothing comes back.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf_since.borrow().is_some()
    }

    /// For how long nothing has come back.
    pub(crate) fn deaf_for(&self) -> Duration {
        self.deaf_since.borrow().map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until something comes back.
    pub(crate) async fn hears(&self) {
        // The sender is ours, so waiting ends only with the value.
        let _ = self.deaf_since.subscribe().wait_for(Option::is_none).await;
    }

    /// Says whether nothing comes back; nobody waits for a mark then.
    pub(crate) fn set_deaf(&self, is_deaf: bool) {
        self.deaf_since.send_replace(is_deaf.then(Instant::now));
        for channel in (0..CHANNELS).filter(|_| is_deaf) {
            self.marks(channel).drain(..).for_each(|(_, mark)| mark.is_void());
        }
    }

    fn marks(&self, channel: usize) -> MutexGuard<'_, Marks> {
        self.marks[channel].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expected(&self, channel: usize) -> MutexGuard<'_, Expected> {
        self.expected[channel].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64 + 1
    }
}

/// Nobody has to wait for these.
fn give_up(expected: &mut Expected, is_past: impl Fn(u64) -> bool) {
    while let Some((_, given_up)) = expected.pop_front_if(|(known, _)| is_past(*known)) {
        given_up.is_told();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::{
        event::{Audience, Envelope, Event, Signal},
        port::Underway,
        time::Moment,
    };

    fn expect(unechoed: &Unechoed, count: u64) {
        let draining = Event::Draining { after_ms: count };
        let signal = Arc::new(Signal::Tell(Audience::Everyone, draining));
        let envelope = Envelope { signal, accepted: Moment(0).into(), remote: false };
        let (_, returned, _) = Underway::new(Arc::new(envelope));
        unechoed.expect((3, count), returned);
    }

    fn returns(unechoed: &Unechoed, count: u64) -> Option<u64> {
        let returned = unechoed.returned(3, count)?;
        match &*returned.envelope.signal {
            Signal::Tell(_, Event::Draining { after_ms }) => Some(*after_ms),
            other => panic!("nobody published {other:?}"),
        }
    }

    #[test]
    fn a_signal_comes_back_once_and_those_before_it_never_do() {
        let unechoed = Unechoed::new();
        [1, 2, 4, 6, 7].iter().for_each(|count| expect(&unechoed, *count));
        assert_eq!(returns(&unechoed, 1), Some(1));
        assert_eq!(returns(&unechoed, 1), None, "it was published twice");
        assert_eq!(returns(&unechoed, 3), None, "this one was not to come back");
        assert_eq!(returns(&unechoed, 4), Some(4), "2 is lost");
        unechoed.passed(3, 6);
        assert_eq!(returns(&unechoed, 6), None);
        assert_eq!(returns(&unechoed, 7), Some(7));
    }

    #[test]
    fn what_is_waited_for_is_bounded() {
        let unechoed = Unechoed::new();
        (1..EXPECTED_MAX as u64).for_each(|count| expect(&unechoed, count));
        assert!(!unechoed.is_full(3));
        expect(&unechoed, EXPECTED_MAX as u64);
        assert!(unechoed.is_full(3));
        assert!(!unechoed.is_full(4), "each channel has its own");
        assert_eq!(returns(&unechoed, 1), Some(1));
        assert!(!unechoed.is_full(3));
    }
}
