//! Web Push: hands notifications to the push services of browsers (RFC 8030), encrypted for one
//! browser each (RFC 8291) and signed by this server (RFC 8292).
//!
//! Endpoints come from clients, so nothing is asked that is not on the public internet unless it is
//! allowed: neither a private address, nor a name that stands for one, nor a redirection.

mod key;
mod vapid;
mod encrypt;
mod ill;
mod service;

pub use campanile_outbound::{Authority, OpenError};
pub use key::{KeyError, VapidKey};
pub use service::{Config, WebPush};

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
