//! Settings about logs.

use super::{
    loki::Loki,
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

impl Described for LogFormat {
    fn describe(&self, key: &str, help: &'static str, settings: &mut Vec<Setting>) {
        describe_one((key, help), Some(self), Shape::One, settings);
    }
}
