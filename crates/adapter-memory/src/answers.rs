//! Answers to requests that may come again, in memory.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    port::{AnswerStore, Answered, Begun, Clock, Fault},
    time::Moment,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Bytes that keys, questions and answers may have together; beyond that the oldest are forgotten.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What an entry takes up beside its texts, or less.
const ENTRY_BYTES: usize = 256;

/// Places in the order that may be of nothing any more.
const SLACK: usize = 64;

/// Remembers answers for one process.
pub struct MemoryAnswers {
    clock: Arc<dyn Clock>,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<Key, Entry>,
    /// In the order in which they were written; some are there no longer, or were written again.
    order: VecDeque<(Key, u64)>,
    written: u64,
    bytes: usize,
}

/// Which of the two entries of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Its answer, or that it is being done.
    Whole,
    /// What of it was done.
    Part,
}

type Key = (Kind, Arc<str>);

struct Entry {
    question: Box<str>,
    /// The answer, or the part that was done; `None` while it is being done.
    answer: Option<Arc<str>>,
    end: Moment,
    /// Which of all that were written this is.
    number: u64,
}

impl MemoryAnswers {
    /// No answers.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, bytes_max: BYTES_MAX, state: Mutex::default() }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        lock(&self.state).entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take up, about.
    pub fn bytes(&self) -> usize {
        lock(&self.state).bytes
    }
}

#[async_trait]
impl AnswerStore for MemoryAnswers {
    async fn begin(&self, key: &str, question: &str, lease: Duration) -> Result<Begun, Fault> {
        let now = self.clock.moment();
        let mut state = lock(&self.state);
        if let Some(entry) = state.at(&(Kind::Whole, key.into()), now) {
            return Ok(match &entry.answer {
                _ if *entry.question != *question => Begun::Other,
                None => Begun::Running,
                Some(answer) => Begun::Before(answer.clone()),
            });
        }
        let begun = match state.at(&(Kind::Part, key.into()), now) {
            Some(part) if *part.question != *question => return Ok(Begun::Other),
            Some(part) => part.answer.clone().map_or(Begun::First, Begun::Partly),
            None => Begun::First,
        };
        state.write((Kind::Whole, key.into()), (question, None), now.plus(lease));
        state.keep_bounds(now, self.bytes_max);
        Ok(begun)
    }

    async fn answer(&self, key: &str, answered: Answered<'_>, time: Duration) -> Result<(), Fault> {
        let now = self.clock.moment();
        let mut state = lock(&self.state);
        let Answered { question, answer } = answered;
        state.write((Kind::Whole, key.into()), (question, Some(answer)), now.plus(time));
        state.forget(&(Kind::Part, key.into()));
        state.keep_bounds(now, self.bytes_max);
        Ok(())
    }

    async fn put_aside(&self, key: &str, part: Answered<'_>, time: Duration) -> Result<(), Fault> {
        let now = self.clock.moment();
        let mut state = lock(&self.state);
        let Answered { question, answer } = part;
        let whole = (Kind::Whole, key.into());
        let there = state.at(&whole, now);
        if there.is_some_and(|there| *there.question == *question && there.answer.is_some()) {
            return Ok(());
        }
        let place = (Kind::Part, key.into());
        let before = state.at(&place, now).and_then(|before| before.answer.as_ref());
        if before.is_none_or(|before| before.len() <= answer.len()) {
            state.write(place, (question, Some(answer)), now.plus(time));
        }
        state.forget(&whole);
        state.keep_bounds(now, self.bytes_max);
        Ok(())
    }

    async fn give_up(&self, key: &str) -> Result<(), Fault> {
        lock(&self.state).forget(&(Kind::Whole, key.into()));
        Ok(())
    }
}

impl State {
    /// What there is, if its time is not over.
    fn at(&self, key: &Key, now: Moment) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.end > now)
    }

    fn write(&mut self, key: Key, (question, answer): (&str, Option<&str>), end: Moment) {
        self.forget(&key);
        self.written += 1;
        let number = self.written;
        let entry =
            Entry { question: question.into(), answer: answer.map(Into::into), end, number };
        self.bytes += entry.bytes(&key.1);
        self.order.push_back((key.clone(), number));
        self.entries.insert(key, entry);
    }

    fn forget(&mut self, key: &Key) {
        if let Some(gone) = self.entries.remove(key) {
            self.bytes -= gone.bytes(&key.1);
        }
    }

    /// Forgets the oldest as long as there are too many, or their time is over.
    fn keep_bounds(&mut self, now: Moment, bytes_max: usize) {
        while let Some((key, number)) = self.order.pop_front() {
            let entry = self.entries.get(&key).filter(|entry| entry.number == number);
            let Some(entry) = entry else { continue };
            if entry.end > now && self.bytes <= bytes_max {
                self.order.push_front((key, number));
                break;
            }
            self.forget(&key);
        }
        if self.order.len() > 2 * self.entries.len() + SLACK {
            let entries = &self.entries;
            let is_there = |(key, number): &(Key, u64)| {
                entries.get(key).is_some_and(|entry| entry.number == *number)
            };
            self.order.retain(is_there);
        }
    }
}

impl Entry {
    fn bytes(&self, key: &str) -> usize {
        let answer = self.answer.as_ref().map_or(0, |answer| answer.len());
        ENTRY_BYTES + key.len() + self.question.len() + answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn the_oldest_make_way() {
        let answers =
            MemoryAnswers { bytes_max: 10_000, ..MemoryAnswers::new(Arc::new(SystemClock::new())) };
        let long = "x".repeat(1_000);
        for number in 0..1_000 {
            let key = number.to_string();
            assert_eq!(answers.begin(&key, "q", LONG).await.unwrap(), Begun::First);
            let answered = Answered { question: "q", answer: &long };
            answers.answer(&key, answered, LONG).await.unwrap();
            assert!(answers.bytes() <= 10_000, "{}", answers.bytes());
        }
        assert!(answers.len() >= 5, "{}", answers.len());
        assert!(lock(&answers.state).order.len() < 100);
        assert_eq!(answers.begin("999", "q", LONG).await.unwrap(), Begun::Before(long.into()));
        assert_eq!(answers.begin("0", "q", LONG).await.unwrap(), Begun::First, "it was forgotten");
    }

    #[tokio::test]
    async fn what_is_given_up_leaves_nothing() {
        let answers = MemoryAnswers::new(Arc::new(SystemClock::new()));
        answers.begin("stays", "q", LONG).await.unwrap();
        let bytes = answers.bytes();
        for _ in 0..1_000 {
            assert_eq!(answers.begin("key", "q", LONG).await.unwrap(), Begun::First);
            answers.give_up("key").await.unwrap();
        }
        assert_eq!((answers.bytes(), answers.len()), (bytes, 1));
        assert!(lock(&answers.state).order.len() <= SLACK + 4);
    }
}
