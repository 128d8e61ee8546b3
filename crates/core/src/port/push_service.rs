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

    /// Whether a subscription can be one, as far as that can be told without asking anybody. Only
    /// [`PushError::Refused`] comes of it.
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
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The subscription is no more: it can be forgotten.
    #[error("the subscription is no more")]
    Gone,
    /// It will not be taken, however often it is tried.
    #[error("it is refused: {0}")]
    Refused(String),
    /// The push service cannot be reached or asks to come back.
    #[error("not now: {reason}")]
    Unavailable {
        /// When to come back, where the push service says so.
        retry_after: Option<Duration>,
        /// What is wrong.
        reason: String,
    },
}
