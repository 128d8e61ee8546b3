//! The client of receivers.

use async_trait::async_trait;
use bytes::Bytes;
use campanile_core::{
    labels::WebhookFailure,
    port::{WebhookError, WebhookService},
    webhook::{Happening, HookId},
};
use campanile_outbound::{
    Allowed, Authority, Failure, OpenError, Outbound, Settings, StatusCode, TargetError, header,
};
use std::time::Duration;

/// How long one webhook may take in all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Bytes of an answer that are read so that its connection can be used again; nothing in them
/// matters.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long the rest of an answer is read for; then its connection is given up.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// What a webhook says.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The body, which is JSON.
    pub body: Bytes,
    /// Headers beside those of the body, such as its signature.
    pub headers: Vec<(&'static str, String)>,
}

/// Who writes what webhooks say.
pub trait Letters: Send + Sync {
    /// Writes what happened, in this order, and signs it. `None` where there is nothing to sign it
    /// with.
    fn write(&self, hook: &HookId, happenings: &[Happening]) -> Option<Letter>;
}

/// How webhooks are handed over.
pub struct Config {
    /// Who may be asked.
    pub allowed: Allowed,
    /// Who, beside the authorities of the system, vouches for receivers.
    pub authorities: Vec<Authority>,
    /// Who writes what they say.
    pub letters: Box<dyn Letters>,
}

/// Hands webhooks to their receivers.
pub struct Receivers {
    outbound: Outbound,
    letters: Box<dyn Letters>,
}

impl Receivers {
    /// Prepares to hand webhooks over; nobody is asked yet.
    pub fn new(config: Config) -> Result<Self, OpenError> {
        let outbound = Outbound::new(Settings {
            allowed: config.allowed,
            plain: true,
            authorities: config.authorities,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_BYTES_MAX,
            answer_time_max: ANSWER_TIME_MAX,
        })?;
        Ok(Self { outbound, letters: config.letters })
    }
}

#[async_trait]
impl WebhookService for Receivers {
    async fn deliver(&self, hook: &HookId, happenings: &[Happening]) -> Result<(), WebhookError> {
        let target = self.outbound.target(&hook.url).map_err(|error| match error {
            TargetError::NotAllowed => failed(WebhookFailure::Connect, &error.to_string()),
            TargetError::Url | TargetError::Plain => {
                failed(WebhookFailure::Other, &error.to_string())
            }
        })?;
        let Letter { body, headers } = self.letters.write(hook, happenings).ok_or_else(|| {
            failed(WebhookFailure::Signature, "its application has no such webhook here")
        })?;
        let request = self.outbound.post(target).header(header::CONTENT_TYPE, "application/json");
        let signed =
            headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let answered = self.outbound.ask(signed.body(body)).await;
        let answer = answered.map_err(|failure| failed(kind(&failure), &failure.to_string()))?;
        match answer.status {
            status if status.is_success() => Ok(()),
            status => Err(failed(kind_of_status(status), &format!("it answers {status}"))),
        }
    }
}

fn kind(failure: &Failure) -> WebhookFailure {
    match failure {
        Failure::Timeout => WebhookFailure::Timeout,
        Failure::Tls(_) => WebhookFailure::Tls,
        Failure::NotAllowed | Failure::Connect(_) => WebhookFailure::Connect,
        Failure::Other(_) => WebhookFailure::Other,
    }
}

fn kind_of_status(status: StatusCode) -> WebhookFailure {
    if status.is_client_error() {
        WebhookFailure::Status4xx
    } else if status.is_server_error() {
        WebhookFailure::Status5xx
    } else {
        WebhookFailure::Other
    }
}

fn failed(kind: WebhookFailure, reason: &str) -> WebhookError {
    WebhookError { kind, reason: reason.to_owned() }
}
