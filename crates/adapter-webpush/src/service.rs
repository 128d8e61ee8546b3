//! The client of push services.

use crate::{encrypt::encrypt, ill::Ill, key::VapidKey, vapid::Tokens};
use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::{
    port::{Clock, PushError, PushFault, PushService},
    push::{Notification, PushSubscription},
};
use campanile_outbound::{
    Allowed, Answer, Authority, Failure, OpenError, Outbound, Request, Settings, StatusCode,
    TargetError, Url, header,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// How long one notification may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read so that its connection can be used again; nothing in them
/// matters.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How long the rest of an answer is read for; then its connection is given up.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// What is told of an endpoint that may not be asked.
const NOT_PUBLIC: &str = "the endpoint is not on the public internet";

/// How notifications are handed over.
#[derive(Debug)]
pub struct Config {
    /// The key by which push services know this server.
    pub key: VapidKey,
    /// How whoever runs a push service reaches whoever runs this server: `mailto:` or `https:`.
    pub contact: Option<String>,
    /// How long a push service keeps a notification for a browser that it does not reach.
    pub time_to_live: Duration,
    /// Whether endpoints may be on private networks: for push services of one's own.
    pub allow_private: bool,
    /// Who, beside the authorities of the system, vouches for push services.
    pub authorities: Vec<Authority>,
}

/// Hands notifications to push services.
pub struct WebPush {
    outbound: Outbound,
    config: Config,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    ill: Ill,
}

impl WebPush {
    /// Prepares to hand notifications over; nobody is asked yet.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let outbound = Outbound::new(Settings {
            allowed: match config.allow_private {
                true => Allowed::everything(),
                false => Allowed::public(),
            },
            plain: false,
            authorities: config.authorities.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_BYTES_MAX,
            answer_time_max: ANSWER_TIME_MAX,
        })?;
        let (tokens, ill) = (Tokens::default(), Ill::default());
        Ok(Self { outbound, config, clock, tokens, ill })
    }

    /// Where an endpoint is, if it may be asked. A name is looked at when it is resolved.
    fn url(&self, subscription: &PushSubscription) -> Result<Url, PushError> {
        let target = self.outbound.target(subscription.endpoint.as_str());
        target.map_err(|error| {
            let reason = match error {
                TargetError::NotAllowed => NOT_PUBLIC,
                TargetError::Url | TargetError::Plain => "the endpoint is no URL",
            };
            failed(PushFault::InvalidToken, reason)
        })
    }

    /// Asks a push service, unless it is to be left alone.
    async fn ask(&self, origin: &str, request: Request) -> Result<(), PushError> {
        let started = self.clock.moment();
        if let Some(wait) = self.ill.wait(origin, started) {
            let left_alone = failed(PushFault::Other, "it did not answer well lately");
            return Err(PushError { retry_after: Some(wait), ..left_alone });
        }
        let answered = self.outbound.ask(request).await;
        let now = self.clock.moment();
        // One that may not be asked has not failed to answer.
        let is_fine = matches!(answered, Ok(_) | Err(Failure::NotAllowed));
        self.ill.note(origin, now, (is_fine, now.since(started)));
        judge(answered)
    }
}

#[async_trait]
impl PushService for WebPush {
    fn application_key(&self) -> [u8; 65] {
        self.config.key.public()
    }

    fn check(&self, subscription: &PushSubscription) -> Result<(), PushError> {
        self.url(subscription)?;
        let encrypted = encrypt(subscription, b"");
        encrypted.map(drop).map_err(|error| failed(PushFault::InvalidToken, &error.to_string()))
    }

    async fn deliver(
        &self,
        subscription: &PushSubscription,
        notification: &Notification,
    ) -> Result<(), PushError> {
        let url = self.url(subscription)?;
        let text = text(notification);
        let body = encrypt(subscription, text.as_bytes())
            .map_err(|error| failed(PushFault::Payload, &error.to_string()))?;
        let signer = (&self.config.key, self.config.contact.as_deref());
        let signed = self
            .tokens
            .authorization(signer, &url, self.clock.now())
            .ok_or_else(|| failed(PushFault::Auth, "it cannot be signed"))?;
        let origin = url.origin().ascii_serialization();
        let request = self
            .outbound
            .post(url)
            .header(header::AUTHORIZATION, signed)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header("TTL", self.config.time_to_live.as_secs())
            .header("Urgency", "high")
            .header("Topic", topic(notification))
            .body(body);
        self.ask(&origin, request).await
    }
}

/// What the page's worker reads.
fn text(notification: &Notification) -> String {
    let Notification { room, seq, from, body } = notification;
    json!({"room": room.as_str(), "seq": seq.0, "from": from.as_str(), "body": body}).to_string()
}

/// By what a later notification replaces an earlier one (RFC 8030, section 5.4): 32 characters that
/// do not tell the room.
fn topic(notification: &Notification) -> String {
    let digest = digest(&SHA256, notification.room.as_str().as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..24])
}

fn judge(answered: Result<Answer, Failure>) -> Result<(), PushError> {
    let answer = answered.map_err(|failure| match failure {
        Failure::NotAllowed => failed(PushFault::InvalidToken, NOT_PUBLIC),
        Failure::Timeout => failed(PushFault::Timeout, &failure.to_string()),
        failure => failed(PushFault::Other, &failure.to_string()),
    })?;
    if answer.status.is_success() {
        return Ok(());
    }
    let kind = match answer.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => PushFault::InvalidToken,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PushFault::Auth,
        StatusCode::TOO_MANY_REQUESTS => PushFault::RateLimited,
        status if status.is_server_error() => PushFault::Provider,
        _ => PushFault::Payload,
    };
    let failed = failed(kind, &format!("it answers {}", answer.status));
    Err(PushError { retry_after: retry_after(&answer), ..failed })
}

fn failed(kind: PushFault, reason: &str) -> PushError {
    PushError { kind, retry_after: None, reason: reason.to_owned() }
}

/// How long a push service asks to wait, where it says so in seconds.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let said = answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    said.trim().parse().ok().map(Duration::from_secs)
}
