//! The rules of chat: rooms, membership, order, presence, limits and fan-out; owns the ports.
//!
//! This crate meets no socket, SQL, JSON, environment or wall clock. It offers futures; whoever
//! uses it spawns and awaits them. Read the modules in the order they are listed.

pub mod limits;
pub mod pace;
pub mod name;
pub mod time;
pub mod user;
pub mod room;
pub mod message;
pub mod upload;
pub mod prekey;
pub mod invite;
pub mod push;
pub mod channel;
pub mod application;
pub mod webhook;
pub mod event;
pub mod labels;
pub mod metrics;
pub mod port;
pub mod transfer;
pub mod fanout;
pub mod chat;
pub mod connection;
pub mod instrumented;
mod cached;
mod coalesced;
mod flights;
