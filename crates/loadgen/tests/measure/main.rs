//! Measurements of the real server, and of one behind something that spoils what it says.

mod faults;
mod proxy;
mod run;
mod scenarios;
mod server;
