//! Log shipper: tracing-loki, bounded, counted and kept through outages.
//!
//! [`Config::start`] gives a layer for `tracing_subscriber` and a [`Shipper`], which says where
//! every line is ([`Shipper::status`]), shows it in a registry ([`Shipper::register`]) and ends
//! within a deadline ([`Shipper::flush`]).
//!
//! A line's way: [`LokiLayer`] → `tracing_loki`, with its own task on the shipper's thread → a
//! relay on the loopback interface → a queue bounded in bytes, in memory or on disk → the log
//! store. All but the first step happen on that thread, so whoever logs waits for nobody.

mod config;
mod metrics;
mod status;
mod level;
mod ledger;
mod layer;
mod pipe;
mod relay;
mod batch;
mod line;
mod chunk;
mod queue;
mod spool;
mod push;
mod backoff;
mod sender;
mod works;
mod shipper;
mod limits;
mod time;

pub use config::{Auth, Config, ConfigError, Secret, SpoolConfig};
pub use layer::LokiLayer;
pub use line::harmless;
pub use metrics::{DropReason, PushStatus, ShipperMetrics};
pub use shipper::{FlushReport, Shipper, StartError};
pub use spool::SpoolError;
pub use status::Status;

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
