//! Answers to requests that may come again, over all nodes.

use crate::{core::Core, metrics::Call, script::Script};
use async_trait::async_trait;
use campanile_core::port::{AnswerStore, Answered, Begun, Fault};
use redis::Value;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// Takes a key unless it is taken; what is there otherwise.
static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local there = redis.call('GET', KEYS[1])
         if there then
           return there
         end
         redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         return false",
    )
});

/// The answers that all nodes remember that use one Redis with one prefix. Redis forgets them by
/// its own clock, or where it has no room.
///
/// A key holds the length of the question, the question, and behind it `-` while it is being done,
/// else `=` and the answer.
#[derive(Clone)]
pub struct RedisAnswers(pub(crate) Arc<Core>);

#[async_trait]
impl AnswerStore for RedisAnswers {
    async fn begin(&self, key: &str, question: &str, lease: Duration) -> Result<Begun, Fault> {
        let entry = entry(question, "-", "");
        let arguments = [entry, milliseconds(lease)];
        let call = (&*self.0.link, Call::Answers);
        let there: Option<String> = BEGIN.run(call, &[self.key(key)], &arguments).await?;
        Ok(there.map_or(Begun::First, |there| read(&there, question)))
    }

    async fn answer(&self, key: &str, answered: Answered<'_>, time: Duration) -> Result<(), Fault> {
        let entry = entry(answered.question, "=", answered.answer);
        let mut set = redis::cmd("SET");
        set.arg(self.key(key)).arg(entry).arg("PX").arg(milliseconds(time));
        Ok(self.0.link.call::<Value>(Call::Answers, &set).await.map(drop)?)
    }

    async fn give_up(&self, key: &str) -> Result<(), Fault> {
        let forget = redis::cmd("DEL").arg(self.key(key)).take();
        Ok(self.0.link.call::<Value>(Call::Answers, &forget).await.map(drop)?)
    }
}

impl RedisAnswers {
    fn key(&self, key: &str) -> String {
        format!("{}answer:{key}", self.0.prefix)
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
        _ => Begun::Other,
    }
}
