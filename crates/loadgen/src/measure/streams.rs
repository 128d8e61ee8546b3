//! The streams of messages of a run: what was sent, and of what it is not known whether it was.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::delivery::Gaps;

/// All streams, each of one speaker in one channel.
#[derive(Debug)]
pub(super) struct Streams(Vec<Mutex<Stream>>);

#[derive(Debug, Default)]
struct Stream {
    /// The number of the last message that was sent.
    sent: u64,
    /// Sent, and not yet answered; answers come in this order.
    waiting: VecDeque<u64>,
    /// Refused, or never answered: nobody has to hear it.
    excused: Gaps,
}

const POISONED: &str = "nobody panics while counting";

impl Streams {
    /// So many streams, in which nothing was sent.
    pub(super) fn new(count: u32) -> Self {
        Self((0..count).map(|_| Mutex::default()).collect())
    }

    /// The number of the next message, which waits for its answer from now on.
    pub(super) fn next(&self, stream: u32) -> u64 {
        let mut stream = self.stream(stream);
        stream.sent += 1;
        let number = stream.sent;
        stream.waiting.push_back(number);
        number
    }

    /// The same where there is no answer, and the message has to arrive.
    pub(super) fn next_unanswered(&self, stream: u32) -> u64 {
        let mut stream = self.stream(stream);
        stream.sent += 1;
        stream.sent
    }

    /// The oldest message that waits was taken by the server.
    pub(super) fn taken(&self, stream: u32) {
        self.stream(stream).waiting.pop_front();
    }

    /// The oldest message that waits was refused, or will never be answered.
    pub(super) fn refused(&self, stream: u32) {
        let mut stream = self.stream(stream);
        if let Some(number) = stream.waiting.pop_front() {
            stream.excused.add(number, number);
        }
    }

    /// Nothing that waits will be answered.
    pub(super) fn given_up(&self, stream: u32) {
        let mut stream = self.stream(stream);
        while let Some(number) = stream.waiting.pop_front() {
            stream.excused.add(number, number);
        }
    }

    /// The number of the last message that was sent.
    pub(super) fn sent(&self, stream: u32) -> u64 {
        self.stream(stream).sent
    }

    /// How many messages wait for their answers.
    pub(super) fn waiting(&self) -> u64 {
        let waiting = |stream: &Mutex<Stream>| stream.lock().expect(POISONED).waiting.len() as u64;
        self.0.iter().map(waiting).sum()
    }

    /// How much of a stream is lacking, as this tells from the last number and what is excused.
    pub(super) fn lacking(&self, stream: u32, lacks: impl FnOnce(u64, &Gaps) -> u64) -> u64 {
        let stream = self.stream(stream);
        lacks(stream.sent, &stream.excused)
    }

    fn stream(&self, stream: u32) -> std::sync::MutexGuard<'_, Stream> {
        self.0[stream as usize].lock().expect(POISONED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::place::Place;

    #[test]
    fn what_was_refused_or_never_answered_is_owed_to_nobody() {
        let streams = Streams::new(2);
        let numbers: Vec<u64> = (0..4).map(|_| streams.next(1)).collect();
        assert_eq!((numbers, streams.waiting()), (vec![1, 2, 3, 4], 4));
        streams.taken(1);
        streams.refused(1);
        streams.taken(1);
        streams.given_up(1);
        let lacking = streams.lacking(1, |last, excused| Place::after(0).lacks(last, excused));
        assert_eq!((lacking, streams.waiting()), (2, 0), "the first and the third");
        assert_eq!((streams.next_unanswered(0), streams.waiting()), (1, 0));
        assert_eq!(streams.sent(1), 4);
    }
}
