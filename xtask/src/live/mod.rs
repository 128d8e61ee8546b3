//! A server that really runs, and those who talk to it.

mod server;
mod client;
mod socket;
mod traffic;
mod front;

pub(crate) use client::{Client, status_from};
pub(crate) use front::Front;
pub(crate) use server::{Server, build, free_address};
pub(crate) use traffic::{Conversation, ROOM_MESSAGES};
