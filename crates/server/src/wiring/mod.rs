//! Wiring: which configuration chooses which part. One match for each kind of part.

pub mod adapters;
pub mod exporters;
pub mod loki;
pub mod protocols;
pub mod push;
pub mod webhooks;
