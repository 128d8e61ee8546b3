//! The receivers of webhooks.

use crate::{
    labels::WebhookFailure,
    webhook::{Happening, HookId},
};
use async_trait::async_trait;

/// Tells applications over HTTP what happened in their channels.
#[async_trait]
pub trait WebhookService: Send + Sync {
    /// Hands over what happened, one or several events of one webhook in one request, in this
    /// order. Once this answers, the receiver has said that it took all of them; when it fails, the
    /// receiver may have taken them all the same, and is told again. It ends within seconds,
    /// whatever the receiver does.
    async fn deliver(&self, hook: &HookId, happenings: &[Happening]) -> Result<(), WebhookError>;
}

/// Why a webhook was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct WebhookError {
    /// What is at fault.
    pub kind: WebhookFailure,
    /// What is wrong, without the address of the receiver and without anything it said.
    pub reason: String,
}
