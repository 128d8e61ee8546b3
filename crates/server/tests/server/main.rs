//! The whole server, as people and programs meet it over HTTP.

#[path = "../support/mod.rs"]
mod support;
#[path = "../../../loki/tests/stand_in/mod.rs"]
mod stand_in;

mod accounts;
mod apps;
mod commands;
mod ends;
mod events;
mod invites;
mod keys;
mod limits;
mod messages;
mod operators;
mod pages;
mod problems;
mod program;
mod pushes;
mod rooms;
mod sessions;
mod shipping;
mod uploads;
mod watching;
mod webhooks;
