//! Answers to requests that may come again.

use super::Fault;
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// Remembers for a while what was answered under which key, over all nodes: what comes again is
/// answered and not done again.
///
/// Each call is atomic: of many that begin under one key at once, one is the first. Keys do not
/// influence one another. Not durable, and bounded: the oldest may be forgotten before their time
/// where there is no room.
#[async_trait]
pub trait AnswerStore: Send + Sync {
    /// Begins what is asked under a key, unless that was begun before. `question` stands for what
    /// is asked: two that differ are different requests. Whoever is the first has `lease` for it;
    /// then another may begin.
    async fn begin(&self, key: &str, question: &str, lease: Duration) -> Result<Begun, Fault>;

    /// Keeps the answer to a question for so long.
    async fn answer(&self, key: &str, answered: Answered<'_>, time: Duration) -> Result<(), Fault>;

    /// Keeps for so long what of a question was done, in the words of whoever did it: whoever asks
    /// the same next is told, and does the rest. It stays until there is an answer, also where that
    /// one dies over the rest or gives up. Parts grow: a longer one stays as it is, and so does an
    /// answer, since this may come late.
    async fn put_aside(&self, key: &str, part: Answered<'_>, time: Duration) -> Result<(), Fault>;

    /// Forgets who is doing what is asked: whoever comes next is the first, or does the rest.
    async fn give_up(&self, key: &str) -> Result<(), Fault>;
}

/// An answer or a part of what was asked, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered<'a> {
    /// What stands for what was asked.
    pub question: &'a str,
    /// What was answered, or which part was done.
    pub answer: &'a str,
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing yet: the caller does it, and says what it answers.
    First,
    /// This part of it: the caller does the rest, and says what it answers.
    Partly(Arc<str>),
    /// Somebody is doing it.
    Running,
    /// It was done, and this was answered.
    Before(Arc<str>),
    /// Another question.
    Other,
}
