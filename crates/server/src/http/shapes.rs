//! The objects of the REST interface, as they are read and written.

mod app;
mod invite;
mod key;
mod message;
mod people;
mod push;
mod room;
mod stats;
mod upload;

pub(super) use app::*;
pub(super) use invite::*;
pub(super) use key::*;
pub(super) use message::*;
pub(super) use people::*;
pub(super) use push::*;
pub(super) use room::*;
pub(super) use stats::*;
pub(super) use upload::*;
