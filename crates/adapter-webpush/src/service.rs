//! The client of push services.

use crate::{
    encrypt::encrypt,
    guard::{NotPublic, PublicOnly, is_public},
    ill::Ill,
    key::VapidKey,
    vapid::Tokens,
};
use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::{
    port::{Clock, PushError, PushFault, PushService},
    push::{Notification, PushSubscription},
};
use reqwest::{
    Certificate, Client, RequestBuilder, Response, StatusCode, Url, header, redirect::Policy,
};
use serde_json::json;
use std::{error::Error, net::IpAddr, sync::Arc, time::Duration};

/// How long one notification may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read so that its connection can be used again; nothing in them
/// matters.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How long the rest of an answer is read for; then its connection is given up.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

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

/// Somebody who vouches for push services.
#[derive(Clone, Debug)]
pub struct Authority(Certificate);

/// Why notifications cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// These are no certificates in PEM.
    #[error("there is no certificate in PEM: {0}")]
    Authority(String),
    /// Nobody vouches for push services, the system has no authorities, or the like.
    #[error("cannot speak TLS to push services: {0}")]
    Tls(String),
}

/// Hands notifications to push services.
pub struct WebPush {
    client: Client,
    config: Config,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    ill: Ill,
}

impl Authority {
    /// The authorities of a file in PEM.
    pub fn parse(pem: &[u8]) -> Result<Vec<Self>, OpenError> {
        let parsed = Certificate::from_pem_bundle(pem);
        let found = parsed.map_err(|error| OpenError::Authority(told(&error)))?;
        if found.is_empty() {
            return Err(OpenError::Authority("the file has none".to_owned()));
        }
        Ok(found.into_iter().map(Self).collect())
    }
}

impl WebPush {
    /// Prepares to hand notifications over; nobody is asked yet.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let mut builder = Client::builder()
            .user_agent("campanile")
            .redirect(Policy::none())
            .no_proxy()
            .https_only(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .tls_certs_merge(config.authorities.iter().map(|authority| authority.0.clone()));
        if !config.allow_private {
            builder = builder.dns_resolver(PublicOnly);
        }
        let client = builder.build().map_err(|error| OpenError::Tls(told(&error)))?;
        let (tokens, ill) = (Tokens::default(), Ill::default());
        Ok(Self { client, config, clock, tokens, ill })
    }

    /// Where an endpoint is, if it may be asked. A name is looked at when it is resolved.
    fn url(&self, subscription: &PushSubscription) -> Result<Url, PushError> {
        let invalid = |reason: &str| failed(PushFault::InvalidToken, reason);
        let url = Url::parse(subscription.endpoint.as_str())
            .map_err(|_| invalid("the endpoint is no URL"))?;
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if !self.config.allow_private && literal.is_ok_and(|address| !is_public(address)) {
            return Err(invalid(&NotPublic.to_string()));
        }
        Ok(url)
    }

    /// Asks a push service, unless it is to be left alone.
    async fn ask(&self, origin: &str, request: RequestBuilder) -> Result<(), PushError> {
        let started = self.clock.moment();
        if let Some(wait) = self.ill.wait(origin, started) {
            let left_alone = failed(PushFault::Other, "it did not answer well lately");
            return Err(PushError { retry_after: Some(wait), ..left_alone });
        }
        let sent = request.send().await;
        let now = self.clock.moment();
        // One that may not be asked has not failed to answer.
        let is_fine = sent.as_ref().map_or_else(is_not_public, |_| true);
        self.ill.note(origin, now, (is_fine, now.since(started)));
        judge(sent).await
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
            .client
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

async fn judge(sent: Result<Response, reqwest::Error>) -> Result<(), PushError> {
    let answer = match sent {
        Ok(answer) => answer,
        Err(error) if is_not_public(&error) => {
            return Err(failed(PushFault::InvalidToken, &NotPublic.to_string()));
        }
        Err(error) if error.is_timeout() => {
            return Err(failed(PushFault::Timeout, "it does not answer in time"));
        }
        Err(error) => return Err(failed(PushFault::Other, &told(&error))),
    };
    let (status, retry_after) = (answer.status(), retry_after(&answer));
    // Whether it was read to its end does not matter.
    let _read = tokio::time::timeout(ANSWER_TIME_MAX, finish(answer)).await;
    if status.is_success() {
        return Ok(());
    }
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => PushFault::InvalidToken,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PushFault::Auth,
        StatusCode::TOO_MANY_REQUESTS => PushFault::RateLimited,
        status if status.is_server_error() => PushFault::Provider,
        _ => PushFault::Payload,
    };
    Err(PushError { retry_after, ..failed(kind, &format!("it answers {status}")) })
}

fn failed(kind: PushFault, reason: &str) -> PushError {
    PushError { kind, retry_after: None, reason: reason.to_owned() }
}

/// How long a push service asks to wait, where it says so in seconds.
fn retry_after(answer: &Response) -> Option<Duration> {
    let said = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    said.trim().parse().ok().map(Duration::from_secs)
}

/// Reads what is left of an answer, as far as it is short.
async fn finish(mut answer: Response) {
    let mut read = 0;
    while read < ANSWER_BYTES_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            _ => return,
        }
    }
}

/// The chain of an error's causes.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

fn is_not_public(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.is::<NotPublic>())
}

/// What went wrong, without the endpoint.
fn told(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "it does not answer in time".to_owned(), ToString::to_string)
}
