//! Native WebSocket connections over real sockets, one test program for all of them.

mod client;
mod conversation;
mod counts;
mod ending;
mod protocol;
mod server;
