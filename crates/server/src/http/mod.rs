//! HTTP: the REST interface, the pages, and what monitoring asks.

mod account;
mod address;
mod app;
mod asked;
mod edge;
mod first_request;
mod gate;
mod health;
mod invite;
mod key;
mod measure;
mod member;
mod message;
mod numbers;
mod openapi;
mod operator;
mod pages;
mod push;
mod room;
mod router;
mod session;
mod shapes;
mod statistics;
mod upload;
mod webhook;
mod watchers;

pub use address::Proxies;
pub use edge::{Edge, EdgeSettings, Node};
pub(crate) use first_request::FirstRequests;
pub use gate::gate;
pub use measure::measure;
pub use openapi::document;
pub use router::routes;
pub use watchers::Watchers;
