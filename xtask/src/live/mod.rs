//! A server that really runs, those who talk to it, and those who watch it.

mod server;
mod nodes;
mod client;
mod ports;
mod socket;
mod channels;
mod load;
mod traffic;
mod front;
mod prometheus;
mod questions;
mod loki;
mod grafana;
mod request;
#[cfg(test)]
mod standin;

pub(crate) use channels::Visitor;
pub(crate) use client::{Client, status_from};
pub(crate) use front::Front;
pub(crate) use grafana::{Grafana, PanelQuestion};
pub(crate) use load::LoadGenerator;
pub(crate) use loki::{LoadedRule, Loki};
pub(crate) use nodes::Nodes;
pub(crate) use ports::{free_address, quiet_ports};
pub(crate) use prometheus::Prometheus;
pub(crate) use questions::Questions;
pub(crate) use request::Request;
pub(crate) use server::{Server, build};
#[cfg(test)]
pub(crate) use standin::StandIn;
pub(crate) use traffic::{Conversation, ROOM_MESSAGES};
