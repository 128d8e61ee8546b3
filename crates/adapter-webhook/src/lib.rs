//! Webhooks: hands what happened in channels to the receivers of applications, as a `POST` whose
//! words and signature somebody else writes.
//!
//! Whoever configures an application says where its receivers are, and is not always who runs the
//! server. So nothing is asked that is not on the public internet unless it is allowed, and nobody is
//! led elsewhere by an answer.

mod service;

pub use campanile_outbound::{Allowed, AllowedError, Authority, OpenError, TargetError, target};
pub use service::{Config, Letter, Letters, Receivers};

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
