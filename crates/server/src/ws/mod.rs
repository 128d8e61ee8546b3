//! Native WebSocket connections: from the handshake to the closing frame.
//!
//! ```text
//!  bytes ─► frame_guard ─► actix-ws ─► session ─► talk ─► translate ─► core
//!  bytes ◄─ body ◄──────── outbox ◄──────────────┴─────────────────── core
//! ```
//!
//! `door` and `handshake` decide who may connect, `session` is one connection's life, `talk` knows what its
//! frames mean. Reader and writer meet in the outbox, which is the core's, and in `wire`.

mod config;
mod door;
mod handshake;
mod origin;
mod lobby;
mod worker;
mod opening;
mod socket;
mod stream;
mod direct;
mod frame_guard;
mod session;
mod timers;
mod traffic;
mod closing;
mod wire;
mod body;
mod frame;
mod meter;
mod talk;
mod translate;
mod convert;

pub use closing::{ClosingCode, closing_code};
pub use config::Config;
pub use convert::{encoder, message, stamp};
pub(crate) use convert::{epoch, event};
pub(crate) use door::{COME_BACK, TurnedAway, bearer, enter};
pub(crate) use frame::text_frame;
pub use frame::{binary_of, text_of};
pub use frame_guard::FrameLimits;
pub use handshake::upgrade;
pub use lobby::{Connected, Lobby};
pub(crate) use lobby::{Drain, DrainWatch, Place};
pub use meter::CountedApp;
pub(crate) use meter::Meter;
pub use opening::Opening;
pub use session::{Answerer, Said, Standing, Taken};
pub use socket::{prepare_socket, prepare_stream};
pub use stream::SharedStream;
pub use timers::{Patience, Pinging};
pub use traffic::Traffic;
pub(crate) use wire::Wire;
pub use worker::Worker;
pub(crate) use worker::{Caller, Recognised};
