//! Several real nodes over a real PostgreSQL and a real Redis: as one chat, restarted one after the
//! other, and with each of the four processes pulled away under load.

#[allow(dead_code, reason = "the tests of native connections use the rest")]
#[path = "../ws_native/client.rs"]
mod client;

#[path = "../support/mod.rs"]
mod support;

mod nodes;
mod line;
mod crowd;
mod verdict;

mod together;
mod apps;
mod channels;
mod faults;
mod refused;
mod shared;
mod watched;
