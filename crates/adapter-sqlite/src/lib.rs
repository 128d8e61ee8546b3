//! The durable store in one file: the embedded default.
//!
//! [`Config::open`] opens or makes the file and answers with a [`SqliteStore`], which has every
//! store port. One task writes, many messages in one transaction, and answers only after the
//! commit; a pool of read-only connections reads.

mod config;
mod open;
mod schema;
mod store;
mod metrics;
mod reader;
mod writer;
mod fault;
mod rows;
mod shapes;

mod accounts;
mod invites;
mod sessions;
mod rooms;
mod members;
mod membership;
mod messages;
mod history;
mod heads;
mod amend;
mod retention;
mod receipts;
mod uploads;
mod prekeys;
mod pushes;
mod apps;
mod jobs;
mod transfer;

pub use campanile_core::instrumented::DriverMetrics as SqliteMetrics;
pub use config::Config;
pub use open::OpenError;
pub use store::SqliteStore;
pub use transfer::{SqliteExport, SqliteImport};

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
