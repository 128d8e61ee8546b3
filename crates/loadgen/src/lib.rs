//! Many clients, one report: traffic for a server, and whether it delivers.
//!
//! A [scenario](scenario) is a kind of traffic. All of them share one [`world`]: the server, its
//! accounts, the [tally](tally) of what was counted and the [ledger](delivery) of what has to
//! arrive; from these comes the one [report].

pub mod scenario;
pub mod measure;
pub mod world;
pub mod people;
pub mod delivery;
pub mod tally;
pub mod histogram;
pub mod report;
pub mod progress;
pub mod line;
pub mod api;
pub mod target;
pub mod body;
pub mod pace;
pub mod backoff;
pub mod stop;
