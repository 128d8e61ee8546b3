//! The Pusher Channels protocol 7 without a socket, a clock or a setting: frames, names, signatures,
//! the bodies of the HTTP API and of webhooks.
//!
//! Everything here is a function of its arguments. What needs a clock is handed `now`, what needs
//! chance is handed numbers, and what is bounded is handed [`Limits`]. Decoding is total: any bytes
//! give a value or a typed error, in time and memory proportional to their number, and **no error
//! text repeats what a stranger sent**.
//!
//! # A connection's life
//!
//! 1. The client asks for `GET /app/{key}` with [`Hello`] in the query. What cannot be served is
//!    accepted all the same, told why, and closed with a [`CloseCode`].
//! 2. The first frame says the [`SocketId`]: [`ServerFrame::ConnectionEstablished`].
//! 3. Text comes in as [`ClientFrame`]s. A private, encrypted or presence channel is entered with a
//!    signature of one of the application's [`Keys`]; a presence channel with a [`Member`] besides.
//!    A socket becomes a [`User`]'s by signing in.
//! 4. What cannot be done is told with a [`Refusal`], and the socket stays open.
//! 5. Events go out as [`ServerFrame::Event`]: encoded once, the bytes are everyone's.
//!
//! # The other doors
//!
//! Applications publish and ask over HTTP: [`http`] checks who asks, and reads and writes what is
//! said. They are told what happens in their channels by [`webhook`]s.
//!
//! The documentation of the modules names the pages of the official Pusher Channels documentation
//! that they follow: "Pusher Channels Protocol", "HTTP API Reference", "Authentication and
//! authorization signatures", "Webhooks".
//!
//! ```
//! use campanile_pusher::{ClientFrame, Limits};
//!
//! let text = r#"{"event":"pusher:subscribe","data":{"channel":"cache-news"}}"#;
//! let ClientFrame::Subscribe(subscribe) = ClientFrame::decode(text, &Limits::default()).unwrap()
//! else { panic!("not a subscription") };
//! assert!(subscribe.channel.kind().is_cache);
//! ```

#![forbid(unsafe_code)]

mod limits;
mod hello;
mod socket_id;
mod channel;
mod client;
mod auth;
mod member;
mod user;
mod server;
mod refusal;
mod close;
pub mod http;
pub mod webhook;
mod query;
mod json;
mod escape;

pub use auth::{BadAuth, Credentials, Keys, Signature};
pub use channel::{Access, BadChannelName, ChannelName, Kind};
pub use client::{BadFrame, ClientEvent, ClientFrame, SignIn, Subscribe};
pub use close::{CloseCode, CloseFrame, Reaction};
pub use hello::Hello;
pub use json::BadJson;
pub use limits::Limits;
pub use member::{BadMember, Member};
pub use query::Query;
pub use refusal::{OpenCode, Refusal};
pub use serde_json::value::RawValue;
pub use server::{Data, Present, ServerFrame, WatchlistChange};
pub use socket_id::{BadSocketId, SocketId};
pub use user::{BadUser, User};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
