//! The chat server: edge, configuration and wiring.

pub mod config;
pub mod metrics;
pub mod reply;
pub mod token;
pub mod password;
pub mod readings;
pub mod health;
pub mod ws;
pub mod http;
