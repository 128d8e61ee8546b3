//! The program, run as from a shell.

use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;

use crate::server::{APP, KEY, SECRET};

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    /// The report; null where there is none.
    pub(crate) report: Value,
    pub(crate) errors: String,
}

/// A protocol, as in `--protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Native,
    Pusher,
}

/// Runs the program against this address, for a short time and with a report in JSON.
pub(crate) fn run(protocol: Protocol, address: SocketAddr, arguments: &str) -> Ran {
    let mut all = vec!["--json", "--duration", "1s", "--rest", "50ms", "--warm-up", "200ms"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-loadgen"));
    command.env_clear();
    if protocol == Protocol::Pusher {
        all.extend(["--protocol", "pusher", "--app-id", APP, "--key", KEY]);
        command.env("CAMPANILE_LOADGEN_SECRET", SECRET);
    }
    let url = format!("http://{address}");
    all.extend(["--url", &url]);
    let (scenario, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
    command.arg(scenario).args(all).args(rest.split_whitespace());
    Ran::of(&command.output().expect("it runs"))
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Everything about it, for whom an assertion fails.
    pub(crate) fn told(&self) -> String {
        format!("{:?}\n{:#}\n{}", self.code, self.report, self.errors)
    }

    /// It ended well and nothing was lost.
    #[track_caller]
    pub(crate) fn expect_well(self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.told());
        for fault in ["lost", "duplicated", "out_of_order", "contradicted", "cuts"] {
            assert_eq!(self.report[fault], 0, "{fault} of {}", self.told());
        }
        self.report
    }

    /// It found such faults, and says so.
    #[track_caller]
    pub(crate) fn expect_fault(&self, fault: &str) {
        assert_eq!(self.code, Some(1), "{}", self.told());
        assert!(self.report[fault].as_u64().is_some_and(|count| count > 0), "{}", self.told());
    }
}
