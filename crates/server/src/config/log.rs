//! Settings about logs.

use super::{
    loki::Loki,
    secret::Secret,
    setting::{Described, Setting, Shape, describe_one, section},
};
use serde::{Deserialize, Serialize};

section! {
    /// What the program says about itself.
    pub struct Log {
        /// What is worth a line: `error`, `warn`, `info`, `debug`, `trace`, or directives such
        /// as `info,campanile_server=debug`.
        level: String = "info".to_owned();
        /// `json` for one object a line, `human` for people, `auto` for people at a terminal
        /// and JSON elsewhere.
        format: LogFormat = LogFormat::Auto;
        /// How lines name users and the addresses of clients: `plain` as they are, `hashed` as 16
        /// hexadecimal digits that only this installation can tell whose they are.
        users: LogUsers = LogUsers::Plain;
        /// What `hashed` is keyed with. Without it, a key is made at the first start and kept in
        /// the data directory. Nodes that share it give a user the same digits.
        users_key: Option<Secret> = None;
        /// Shipping logs to Loki.
        loki: Loki = Loki::default();
    }
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people at a terminal, else JSON.
    Auto,
    /// One object a line.
    Json,
    /// For people.
    Human,
}

/// How users are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogUsers {
    /// As they are.
    Plain,
    /// As a hash with a key.
    Hashed,
}

impl Described for LogUsers {
    fn describe(&self, key: &str, help: &'static str, settings: &mut Vec<Setting>) {
        describe_one((key, help), Some(self), Shape::One, settings);
    }
}

impl Described for LogFormat {
    fn describe(&self, key: &str, help: &'static str, settings: &mut Vec<Setting>) {
        describe_one((key, help), Some(self), Shape::One, settings);
    }
}
