//! What goes wrong with a request to the HTTP API, with the status that says so.

use super::{BadInfo, BadPublish, BadSignature};
use crate::BadChannelName;

/// Why a request is refused. Its text is the body of the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 401: not signed by the application.
    #[error("{0}")]
    Signature(#[from] BadSignature),
    /// 400, or 413: nothing that can be published.
    #[error("{0}")]
    Publish(#[from] BadPublish),
    /// 400: nothing that can be told.
    #[error("{0}")]
    Info(#[from] BadInfo),
    /// 400: no channel can be called so.
    #[error("{0}")]
    Channel(#[from] BadChannelName),
    /// 403: the application is disabled.
    #[error("this application is disabled")]
    AppDisabled,
    /// 403: the application published as much as it may.
    #[error("this application is over its quota: it has as many messages in a day as it may have")]
    OverQuota,
    /// 400: what tells a request that comes again from others is nothing that does.
    #[error("an Idempotency-Key has 1 to 255 visible characters of ASCII, and stands there once")]
    IdempotencyKey,
    /// 409: a request with the same key is being done. Come back later.
    #[error("a request with this Idempotency-Key is being done: come back later")]
    InProgress,
    /// 422: another request had the same key.
    #[error("another request had this Idempotency-Key")]
    OtherRequest,
    /// 404: no application has this id.
    #[error("no application has this id")]
    NoSuchApp,
    /// 503: neither every node nor what is between them took the event. Come back later.
    #[error("the event could not be handed on: come back later")]
    Unavailable,
}

impl ApiError {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Signature(_) => 401,
            Self::Publish(why) => why.status(),
            Self::Info(_) | Self::Channel(_) | Self::IdempotencyKey => 400,
            Self::AppDisabled | Self::OverQuota => 403,
            Self::NoSuchApp => 404,
            Self::InProgress => 409,
            Self::OtherRequest => 422,
            Self::Unavailable => 503,
        }
    }
}
