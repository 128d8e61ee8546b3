//! The client of the log store: makes one push, and says what became of it.

use crate::{
    config::{Auth, Config, ConfigError, Secret},
    limits::REASON_BYTES_MAX,
    metrics::PushStatus,
};
use bytes::Bytes;
use reqwest::{Client, Response, StatusCode, Url, header, redirect::Policy};
use std::{error::Error, time::Duration};

/// Makes pushes.
pub(crate) struct Pusher {
    client: Client,
    url: Url,
    auth: Option<Auth>,
}

/// What became of a push.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It was accepted.
    Accepted,
    /// It was refused, and would be again.
    Refused { status: StatusCode, reason: String },
    /// It may go better later.
    Retry { status: PushStatus, reason: String, after: Option<Duration> },
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PusherError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

impl Pusher {
    pub(crate) fn new(config: &Config) -> Result<Self, PusherError> {
        let url = config.push_url()?;
        let mut builder = Client::builder()
            .user_agent("campanile")
            .redirect(Policy::none())
            .no_proxy()
            .default_headers(config.headers()?)
            .connect_timeout(config.request_timeout)
            .timeout(config.request_timeout);
        // Otherwise the system has to have some, which a small image has not.
        if config.ca.is_some() || url.scheme() == "http" {
            builder = builder.tls_certs_only(config.authorities()?);
        }
        Ok(Self { client: builder.build()?, url, auth: config.auth.clone() })
    }

    /// Makes one push.
    pub(crate) async fn push(&self, body: Bytes) -> Verdict {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::CONTENT_ENCODING, "snappy")
            .body(body);
        if let Some(Auth::Basic { user, password: Secret(password) }) = &self.auth {
            request = request.basic_auth(user, Some(password));
        }
        match request.send().await {
            Ok(answer) => judge(answer).await,
            Err(error) => {
                Verdict::Retry { status: PushStatus::Network, reason: told(&error), after: None }
            }
        }
    }
}

async fn judge(answer: Response) -> Verdict {
    let status = answer.status();
    if status.is_success() {
        return Verdict::Accepted;
    }
    let after = retry_after(&answer);
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => PushStatus::TooMany,
        status if status.is_server_error() => PushStatus::Failed,
        status if status.is_client_error() => PushStatus::Refused,
        // No log store answers so; something before it does, perhaps not for ever.
        _ => PushStatus::Network,
    };
    let reason = reason(answer).await;
    if kind == PushStatus::Refused {
        return Verdict::Refused { status, reason };
    }
    let reason = format!("it answers {status}: {reason}");
    Verdict::Retry { status: kind, reason, after }
}

/// How long the log store asks to wait, where it says so in seconds.
fn retry_after(answer: &Response) -> Option<Duration> {
    let said = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    said.trim().parse().ok().map(Duration::from_secs)
}

/// The beginning of what an answer says.
async fn reason(mut answer: Response) -> String {
    let mut read = Vec::new();
    while read.len() < REASON_BYTES_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read.extend_from_slice(&chunk);
    }
    read.truncate(REASON_BYTES_MAX);
    String::from_utf8_lossy(&read).trim().to_owned()
}

/// What went wrong, without the URL.
pub(crate) fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.last().map_or_else(|| "it does not answer".to_owned(), ToString::to_string)
}
