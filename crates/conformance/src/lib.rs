//! The promises of every port, written once as tests.
//!
//! One function for each port: an adapter calls it from its `tests/conformance.rs` with a way to
//! make what is to be proved, and it panics with the promise that was broken. Each promise gets a
//! new, empty store.
//!
//! Store ports are proved together, as [`Stores`], since a message needs a room and a room needs
//! users.

#![expect(
    clippy::unwrap_used,
    reason = "a store that fails has broken its promise, and this is where that is to be seen"
)]

mod clock;
mod stores;
mod tasks;

mod account_store;
mod answer_store;
mod app_store;
mod blob_store;
mod bus;
mod cache;
mod channel_store;
mod invite_store;
mod job_queue;
mod member_store;
mod message_store;
mod prekey_store;
mod presence_store;
mod push_store;
mod rate_limiter;
mod receipt_store;
mod room_store;
mod session_store;
mod transfer;
mod upload_store;

pub use account_store::account_store;
pub use answer_store::answer_store;
pub use app_store::app_store;
pub use blob_store::blob_store;
pub use bus::bus;
pub use cache::cache;
pub use channel_store::channel_store;
pub use clock::{TestClock, clock};
pub use invite_store::invite_store;
pub use job_queue::job_queue;
pub use member_store::member_store;
pub use message_store::message_store;
pub use prekey_store::prekey_store;
pub use presence_store::presence_store;
pub use push_store::push_store;
pub use rate_limiter::rate_limiter;
pub use receipt_store::receipt_store;
pub use room_store::room_store;
pub use session_store::session_store;
pub use stores::{IDEMPOTENCY_WINDOW, START, Stores, draft, room, user};
pub use transfer::{Closing, Movable, Opened, transfer};
pub use upload_store::upload_store;
