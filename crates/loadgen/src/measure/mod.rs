//! Measuring: what a server costs and how fast it is, whatever its protocol. Every scenario is made
//! of [groups](group) of clients that connect, enter channels, speak and listen.

mod mark;
mod place;
mod streams;
mod frames;
mod socket;
mod http;
mod dialect;
mod field;
mod listener;
mod ticker;
mod speaker;
mod crew;
mod group;
mod course;
mod history;
mod process;
mod meter;
mod progress;
mod options;
mod scenarios;
mod report;
mod table;
mod plot;
mod page;

pub use options::{Chat, Fanout, History, Http, Idle, Mixed, Options, Storm};
pub use report::Measurement;
pub use scenarios::Kind;
