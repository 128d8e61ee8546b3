//! Why there is no answer.

use std::{error::Error, io};

/// Why there is no answer. Nothing in it tells where was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name stands for addresses that may not be asked, and for no other.
    #[error("it is not on the public internet")]
    NotAllowed,
    /// There was none in time.
    #[error("it does not answer in time")]
    Timeout,
    /// Who answers is not who was asked, or speaks no TLS.
    #[error("{0}")]
    Tls(String),
    /// Nobody is there.
    #[error("{0}")]
    Connect(String),
    /// Something else went wrong.
    #[error("{0}")]
    Other(String),
}

/// A name stands for addresses that may not be asked, and for no other.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it is not on the public internet")]
pub(crate) struct NotAllowed;

impl Failure {
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if causes(error).any(|cause| cause.is::<NotAllowed>()) {
            Self::NotAllowed
        } else if error.is_timeout() {
            Self::Timeout
        } else if causes(error).any(is_tls) {
            Self::Tls(last_cause(error))
        } else if error.is_connect() {
            Self::Connect(last_cause(error))
        } else {
            Self::Other(last_cause(error))
        }
    }
}

/// What went wrong at the bottom of it.
pub(crate) fn last_cause(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "it does not answer in time".to_owned(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    // What an `io::Error` is made of is not its source.
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}
