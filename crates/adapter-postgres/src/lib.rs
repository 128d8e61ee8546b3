//! The durable store for many nodes, in PostgreSQL.
//!
//! [`Config::connect`] connects, brings the schema up to date, and answers with a
//! [`PostgresStore`], which has every store port and the job queue. Messages are written many in
//! one transaction, by a few writers; everything else has a transaction of its own, over a pool.

mod config;
mod connect;
mod schema;
mod store;
mod metrics;
mod fault;
mod connector;
mod pool;
mod work;
mod weeks;
mod writer;
mod upkeep;
mod rows;

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
mod blobs;
mod prekeys;
mod pushes;
mod apps;
mod jobs;
mod transfer;

pub use blobs::PostgresBlobs;
pub use config::{Config, Pooler};
pub use connect::{Looked, OpenError};
pub use metrics::{ConnectResult, PostgresMetrics, SqlstateClass, Statement};
pub use store::PostgresStore;
pub use transfer::{PostgresExport, PostgresImport};

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
