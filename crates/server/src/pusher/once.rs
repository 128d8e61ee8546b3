//! Requests that come again: those with the same `Idempotency-Key` are done once, on any node.
//!
//! The application's server sends such a key with what it publishes, and the same one again when it
//! does not know whether that was done. What was refused was not done, and may come again; of what
//! was done in part only the rest is done then.

use super::part::Part;
use crate::{
    apps::App,
    logs::{events, here},
    token,
};
use actix_web::{HttpRequest, rt};
use campanile_core::port::{AnswerStore, Answered, Begun, Clock, Fault};
use campanile_pusher::{Query, http::ApiError};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// What says that a request may be one that came before.
const HEADER: &str = "idempotency-key";

/// Longest such key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// What signs a request, and differs each time.
const SIGNATURE: [&str; 5] =
    ["auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5"];

/// How long a node may take for a request. Where it dies over it, the request may come again then.
const LEASE: Duration = Duration::from_secs(30);

/// How long the answer to a request that was done in part waits until that is written down.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// How often that is tried again.
const WRITE_EVERY: Duration = Duration::from_millis(100);

/// A request that may be one that came before.
#[derive(Clone)]
pub(super) struct Once {
    answers: Arc<dyn AnswerStore>,
    clock: Arc<dyn Clock>,
    time: Duration,
    key: String,
    question: String,
}

impl Once {
    /// That of a request, if it has a key.
    pub(super) fn of(
        (answers, clock): (&Arc<dyn AnswerStore>, &Arc<dyn Clock>),
        app: &App,
        (request, query): (&HttpRequest, &Query<'_>),
        body: &[u8],
    ) -> Result<Option<Self>, ApiError> {
        let Some(key) = key(request)? else { return Ok(None) };
        Ok(Some(Self {
            answers: answers.clone(),
            clock: clock.clone(),
            time: app.idempotency_time,
            key: format!("{}:{key}", app.id),
            question: question(request.path(), query, body),
        }))
    }

    /// What was answered before, else what `answer` gives now. It is told which part was done
    /// before, and notes what else it does.
    pub(super) async fn answer(
        self,
        answer: impl AsyncFnOnce(&Part) -> Result<String, ApiError>,
    ) -> Result<String, ApiError> {
        let begun = self.answers.begin(&self.key, &self.question, LEASE).await;
        let before = match begun.map_err(unavailable)? {
            Begun::First => Part::default(),
            Begun::Partly(part) => Part::parse(&part),
            Begun::Running => return Err(ApiError::InProgress),
            Begun::Before(answer) => return Ok(answer.to_string()),
            Begun::Other => return Err(ApiError::OtherRequest),
        };
        let part = before.clone();
        let given = answer(&part).await;
        // It was done all the same, or was not.
        let kept = match &given {
            Ok(answer) => self.answers.answer(&self.key, self.answered(answer), self.time).await,
            Err(_) if part == before => self.answers.give_up(&self.key).await,
            Err(_) => {
                self.put_aside(part).await;
                return given;
            }
        };
        if let Err(fault) = kept {
            events::store_failed(&fault);
        }
        given
    }

    fn answered<'a>(&'a self, answer: &'a str) -> Answered<'a> {
        Answered { question: &self.question, answer }
    }

    /// Keeps what was done in part, best before the request is answered, since it comes again then.
    /// What hindered the rest may hinder this as well: it is tried for as long as it matters.
    async fn put_aside(self, part: Part) {
        let writing = rt::spawn(here::carry(async move {
            let (end, part) = (self.clock.moment().plus(self.time), part.to_string());
            let mut is_told = false;
            loop {
                let left = end.since(self.clock.moment());
                match self.answers.put_aside(&self.key, self.answered(&part), left).await {
                    Ok(()) => break,
                    Err(_) if left.is_zero() => break,
                    Err(fault) if !is_told => events::store_failed(&fault),
                    Err(_) => {}
                }
                is_told = true;
                sleep(WRITE_EVERY).await;
            }
        }));
        let _goes_on = timeout(WRITTEN_WITHIN, writing).await;
    }
}

fn unavailable(fault: Fault) -> ApiError {
    events::store_failed(&fault);
    ApiError::Unavailable
}

fn key(request: &HttpRequest) -> Result<Option<&str>, ApiError> {
    let mut keys = request.headers().get_all(HEADER);
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().map_err(|_| ApiError::IdempotencyKey)?;
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    let is_one = keys.next().is_none();
    match is_one && is_visible && (1..=KEY_BYTES_MAX).contains(&key.len()) {
        true => Ok(Some(key)),
        false => Err(ApiError::IdempotencyKey),
    }
}

/// Stands for all that is asked, but for its signature.
fn question(path: &str, query: &Query<'_>, body: &[u8]) -> String {
    let asked = query.parameters().filter(|(name, _)| !SIGNATURE.contains(name));
    let mut asked: Vec<(&str, &str)> = asked.collect();
    asked.sort_unstable();
    let mut texts = format!("{}:{path}", path.len());
    for text in asked.into_iter().flat_map(|(name, value)| [name, value]) {
        texts += &format!("{}:{text}", text.len());
    }
    token::hex_digest(&[texts.as_bytes(), b"\n", body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use async_trait::async_trait;
    use campanile_adapter_memory::{MemoryAnswers, SystemClock};
    use campanile_core::port::FaultKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers in memory that are away for so many calls before anything is put aside.
    struct Away {
        answers: MemoryAnswers,
        calls: AtomicUsize,
    }

    #[async_trait]
    impl AnswerStore for Away {
        async fn begin(&self, key: &str, asked: &str, lease: Duration) -> Result<Begun, Fault> {
            self.answers.begin(key, asked, lease).await
        }

        async fn answer(&self, key: &str, all: Answered<'_>, time: Duration) -> Result<(), Fault> {
            self.answers.answer(key, all, time).await
        }

        async fn put_aside(
            &self,
            key: &str,
            part: Answered<'_>,
            time: Duration,
        ) -> Result<(), Fault> {
            let left = |calls: usize| calls.checked_sub(1);
            match self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left) {
                Ok(_) => Err(Fault::new(FaultKind::Connection, "away")),
                Err(_) => self.answers.put_aside(key, part, time).await,
            }
        }

        async fn give_up(&self, key: &str) -> Result<(), Fault> {
            self.answers.give_up(key).await
        }
    }

    fn once(calls: usize) -> Once {
        let clock = Arc::new(SystemClock::new());
        let answers = MemoryAnswers::new(clock.clone());
        Once {
            answers: Arc::new(Away { answers, calls: calls.into() }),
            clock,
            time: Duration::from_secs(60),
            key: "key".to_owned(),
            question: "question".to_owned(),
        }
    }

    /// Does one part more than was done before, of three.
    async fn go_on(part: &Part) -> Result<String, ApiError> {
        match (0..3).find(|place| !part.has(*place)) {
            Some(2) => Ok("{}".to_owned()),
            next => {
                next.iter().for_each(|place| part.note(*place));
                Err(ApiError::Unavailable)
            }
        }
    }

    #[actix_web::test]
    async fn what_was_done_in_part_is_known_when_that_is_answered_though_the_store_was_away() {
        let once = once(2);
        for _ in 0..2 {
            assert_eq!(once.clone().answer(go_on).await, Err(ApiError::Unavailable));
        }
        for _ in 0..2 {
            assert_eq!(
                once.clone().answer(go_on).await.as_deref(),
                Ok("{}"),
                "nothing is done twice"
            );
        }
    }

    #[actix_web::test]
    async fn what_is_refused_before_anything_is_done_leaves_nothing() {
        let once = once(0);
        let refused = once.clone().answer(async |_: &Part| Err(ApiError::OverQuota)).await;
        assert_eq!(refused, Err(ApiError::OverQuota));
        let other = Once { question: "another".to_owned(), ..once };
        let answer = other.answer(async |part: &Part| {
            assert!(part.is_empty());
            Ok("{}".to_owned())
        });
        assert_eq!(answer.await.as_deref(), Ok("{}"));
    }

    #[test]
    fn a_key_is_visible_and_alone() {
        let key_of = |values: &[&str]| {
            let request = values.iter().fold(TestRequest::default(), |request, value| {
                request.append_header((HEADER, *value))
            });
            key(&request.to_http_request()).map(|key| key.map(str::to_owned))
        };
        assert_eq!(key_of(&[]), Ok(None));
        for good in ["a", "~!{}:", &"x".repeat(255)] {
            assert_eq!(key_of(&[good]), Ok(Some(good.to_owned())));
        }
        for bad in ["", "a b", "a\tb", "\u{e9}", &"x".repeat(256)] {
            assert_eq!(key_of(&[bad]), Err(ApiError::IdempotencyKey), "{bad:?}");
        }
        assert_eq!(key_of(&["a", "a"]), Err(ApiError::IdempotencyKey));
    }

    #[test]
    fn a_question_is_all_that_is_asked_but_for_its_signature() {
        let ask = |path, query, body: &str| question(path, &Query::parse(query), body.as_bytes());
        let asked = ask("/e", "info=a&auth_timestamp=1&auth_signature=f&body_md5=0", "{}");
        assert_eq!(ask("/e", "auth_signature=e&auth_timestamp=2&info=a", "{}"), asked);
        for other in [
            ask("/f", "info=a", "{}"),
            ask("/e", "info=b", "{}"),
            ask("/e", "info=a&info=a", "{}"),
            ask("/e", "", "{}"),
            ask("/e", "info=a", "{} "),
        ] {
            assert_ne!(other, asked);
        }
    }
}
