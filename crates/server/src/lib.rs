//! The chat server: edge, configuration and wiring.

pub mod config;
pub mod metrics;
pub mod reply;
pub mod ws;
