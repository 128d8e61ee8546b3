//! The push services of browsers.

use crate::push::{Notification, PushSubscription};
use async_trait::async_trait;
use std::time::Duration;

/// Hands notifications to the push services that browsers are subscribed to (RFC 8030).
#[async_trait]
pub trait PushService: Send + Sync {
    /// The public key that a subscription has to be made with (RFC 8292, section 3.2): an
    /// uncompressed point of P-256, the same after a restart.
    fn application_key(&self) -> [u8; 65];

    /// Whether a subscription can be one, as far as that can be told without asking anybody.
    fn check(&self, subscription: &PushSubscription) -> Result<(), PushError>;

    /// Hands over a notification, encrypted for this browser alone. A later one of the same room
    /// takes its place where the browser has not been reached meanwhile. Once this answers, the
    /// push service has it; whether the browser ever gets it is not known.
    async fn deliver(
        &self,
        subscription: &PushSubscription,
        notification: &Notification,
    ) -> Result<(), PushError>;
}

/// Why a notification was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PushError {
    /// What is at fault.
    pub kind: PushFault,
    /// When to come back, where the push service says so.
    pub retry_after: Option<Duration>,
    /// What is wrong, without the endpoint.
    pub reason: String,
}

/// What is at fault when a notification is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushFault {
    /// The push service does not let this server in.
    Auth,
    /// The push service asks to slow down.
    RateLimited,
    /// The subscription is no more, or none that may be written to: it can be forgotten.
    InvalidToken,
    /// The push service did not answer in time.
    Timeout,
    /// The push service is ill.
    Provider,
    /// The push service does not take it.
    Payload,
    /// The push service cannot be reached, or anything else.
    Other,
}

impl PushFault {
    /// Whether it will be the same, however often it is tried.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Auth | Self::InvalidToken | Self::Payload)
    }
}
