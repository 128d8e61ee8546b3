//! Answers to requests that may come again, over all nodes.

use crate::{core::Core, metrics::Call, script::Script};
use async_trait::async_trait;
use campanile_core::port::{AnswerStore, Answered, Begun, Fault};
use redis::Value;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// Takes a key unless it is taken, or a part was done of another question; what is there.
static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local there = redis.call('GET', KEYS[1])
         if there then
           return there
         end
         local part = redis.call('GET', KEYS[2])
         local question = ARGV[3]
         if not part or string.sub(part, 1, #question) == question then
           redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         end
         return part",
    )
});

/// Writes an answer and forgets the part.
static ANSWER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         redis.call('DEL', KEYS[2])",
    )
});

/// Writes a part unless there is an answer or a longer one, and forgets who was about it.
static PUT_ASIDE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local there, answered = redis.call('GET', KEYS[1]), ARGV[3]
         if there and string.sub(there, 1, #answered) == answered then
           return
         end
         local part = redis.call('GET', KEYS[2])
         if not part or #part <= #ARGV[1] then
           redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
         end
         redis.call('DEL', KEYS[1])",
    )
});

/// The answers that all nodes remember that use one Redis with one prefix. Redis forgets them by
/// its own clock, or where it has no room.
///
/// A key holds the length of the question, the question, and behind it `-` while it is being done,
/// else `=` and the answer. Another holds the part that was done, behind a `+`.
#[derive(Clone)]
pub struct RedisAnswers(pub(crate) Arc<Core>);

#[async_trait]
impl AnswerStore for RedisAnswers {
    async fn begin(&self, key: &str, question: &str, lease: Duration) -> Result<Begun, Fault> {
        let arguments = [entry(question, "-", ""), milliseconds(lease), entry(question, "+", "")];
        let call = (&*self.0.link, Call::Answers);
        let there: Option<String> =
            BEGIN.run(call, &[self.key(key), self.part_key(key)], &arguments).await?;
        Ok(there.map_or(Begun::First, |there| read(&there, question)))
    }

    async fn answer(&self, key: &str, answered: Answered<'_>, time: Duration) -> Result<(), Fault> {
        let entry = entry(answered.question, "=", answered.answer);
        self.write(&ANSWER, key, &[entry, milliseconds(time)]).await
    }

    async fn put_aside(&self, key: &str, part: Answered<'_>, time: Duration) -> Result<(), Fault> {
        let entry_of = |state, text| entry(part.question, state, text);
        let arguments = [entry_of("+", part.answer), milliseconds(time), entry_of("=", "")];
        self.write(&PUT_ASIDE, key, &arguments).await
    }

    async fn give_up(&self, key: &str) -> Result<(), Fault> {
        let forget = redis::cmd("DEL").arg(self.key(key)).take();
        Ok(self.0.link.call::<Value>(Call::Answers, &forget).await.map(drop)?)
    }
}

impl RedisAnswers {
    fn key(&self, key: &str) -> String {
        self.key_of("answer", key)
    }

    fn part_key(&self, key: &str) -> String {
        self.key_of("answer-part", key)
    }

    /// In a cluster both keys lie in one slot.
    fn key_of(&self, kind: &str, key: &str) -> String {
        format!("{}{kind}:{{{key}}}", self.0.prefix)
    }

    async fn write(&self, script: &Script, key: &str, arguments: &[String]) -> Result<(), Fault> {
        let call = (&*self.0.link, Call::Answers);
        let keys = [self.key(key), self.part_key(key)];
        Ok(script.run::<Value>(call, &keys, arguments).await.map(drop)?)
    }
}

/// Redis keeps nothing for no time at all.
fn milliseconds(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

fn entry(question: &str, state: &str, answer: &str) -> String {
    format!("{}:{question}{state}{answer}", question.len())
}

fn read(there: &str, question: &str) -> Begun {
    // What another version wrote is no answer to this question.
    let state = there.strip_prefix(&entry(question, "", ""));
    match state.and_then(|state| state.split_at_checked(1)) {
        Some(("-", "")) => Begun::Running,
        Some(("=", answer)) => Begun::Before(answer.into()),
        Some(("+", part)) => Begun::Partly(part.into()),
        _ => Begun::Other,
    }
}
