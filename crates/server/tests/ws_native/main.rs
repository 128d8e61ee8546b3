//! Native WebSocket connections over real sockets, one test program for all of them.

mod client;
mod conversation;
mod counts;
mod ending;
mod memory;
mod order;
#[allow(dead_code, reason = "the rest is for the test that kills the program")]
mod program;
mod protocol;
mod server;
mod writes;
