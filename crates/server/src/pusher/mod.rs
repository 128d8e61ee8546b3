//! The Pusher Channels protocol: `/app/{key}` for clients, `/apps/{id}/…` for applications.
//!
//! ```text
//!  clients      ─► door ─► socket ─► core ◄─ api ◄─ signed ◄─ applications
//!  clients      ◄─ frames ◄───────── core
//! ```
//!
//! `door` decides who may connect, `socket` is what a connection's frames mean, `frames` writes what
//! happens in channels; `signed` finds out which application asks, `once` whether it was
//! asked before, `part` which part of it was done then, and `api` does what it asks.

mod door;
mod socket;
mod frames;
mod signed;
mod once;
mod part;
mod api;
mod convert;

pub(crate) use api::publish_unsigned;
pub use api::{batch_events, channel, channels, events, terminate, terminate_by_key, users};
pub(crate) use convert::socket_id;
pub use door::upgrade;
pub use frames::encoder;
