//! Asks over HTTP whom others name: push services that browsers choose, receivers of webhooks.
//!
//! Nothing is asked that is not on the public internet unless it is allowed: neither a private
//! address, however it is written, nor a name that stands for one, nor where an answer leads to. A
//! name is resolved once, and the very address that was looked at is connected to.

mod allowed;
mod client;
mod failure;

pub use allowed::{Allowed, AllowedError};
pub use client::{Answer, Authority, OpenError, Outbound, Settings, TargetError, target};
pub use failure::Failure;
pub use reqwest::{RequestBuilder as Request, StatusCode, Url, header};
