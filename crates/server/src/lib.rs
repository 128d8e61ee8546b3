//! The chat server: edge, configuration and wiring.

pub mod config;
pub mod apps;
pub mod metrics;
pub mod reply;
pub mod token;
mod limits;
pub mod password;
pub mod readings;
pub mod health;
pub mod ws;
pub mod sse;
pub mod pusher;
pub mod webhooks;
pub mod http;
pub mod wiring;
pub mod listeners;
pub mod tls;
mod private_file;
pub mod collect;
pub mod beside;
mod allocator;
pub mod tasks;
mod workers;
pub mod app;
pub mod catalogue;
pub mod logs;
pub mod cli;
