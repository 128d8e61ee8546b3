//! Requests that come again: those with the same `Idempotency-Key` are done once, on any node.
//!
//! The application's server sends such a key with what it publishes, and the same one again when it
//! does not know whether that was done. What was refused was not done, and may come again.

use crate::{apps::App, logs::events, token};
use actix_web::HttpRequest;
use campanile_core::port::{AnswerStore, Answered, Begun};
use campanile_pusher::{Query, http::ApiError};
use std::time::Duration;

/// What says that a request may be one that came before.
const HEADER: &str = "idempotency-key";

/// Longest such key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// What signs a request, and differs each time.
const SIGNATURE: [&str; 5] =
    ["auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5"];

/// How long a node may take for a request. Where it dies over it, the request may come again then.
const LEASE: Duration = Duration::from_secs(30);

/// A request that may be one that came before.
pub(super) struct Once<'a> {
    answers: &'a dyn AnswerStore,
    time: Duration,
    key: String,
    question: String,
}

impl<'a> Once<'a> {
    /// That of a request, if it has a key.
    pub(super) fn of(
        answers: &'a dyn AnswerStore,
        app: &App,
        (request, query): (&HttpRequest, &Query<'_>),
        body: &[u8],
    ) -> Result<Option<Self>, ApiError> {
        let Some(key) = key(request)? else { return Ok(None) };
        Ok(Some(Self {
            answers,
            time: app.idempotency_time,
            key: format!("{}:{key}", app.id),
            question: question(request.path(), query, body),
        }))
    }

    /// What was answered before, else what `answer` gives now.
    pub(super) async fn answer(
        &self,
        answer: impl AsyncFnOnce() -> Result<String, ApiError>,
    ) -> Result<String, ApiError> {
        let Self { answers, time, key, question } = self;
        let begun = answers.begin(key, question, LEASE).await;
        match begun.inspect_err(events::store_failed).map_err(|_told| ApiError::Unavailable)? {
            Begun::First => {}
            Begun::Running => return Err(ApiError::InProgress),
            Begun::Before(answer) => return Ok(answer.to_string()),
            Begun::Other => return Err(ApiError::OtherRequest),
        }
        let given = answer().await;
        let kept = match &given {
            Ok(answer) => answers.answer(key, Answered { question, answer }, *time).await,
            Err(_) => answers.give_up(key).await,
        };
        // It was done all the same, or was not.
        if let Err(fault) = kept {
            events::store_failed(&fault);
        }
        given
    }
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
