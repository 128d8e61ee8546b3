//! Channels when nodes die, and Redis is away, emptied, or full of junk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod scene;

mod together;
mod death;
mod absence;
mod loss;
mod model;
