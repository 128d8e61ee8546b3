//! schemathesis reads the server's own OpenAPI document and tries to break every promise in it.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use minreq::Method;
use serde_json::{Value, json};

use super::report::{Outcome, Totals};
use crate::live::{Client, Server};
use crate::process;
use crate::provide;
use crate::workspace::Workspace;

/// The rest is in `python/schemathesis.toml`. The seed makes a failure repeatable.
const OPTIONS: &[&str] = &[
    "--checks=all",
    "--phases=examples,coverage,fuzzing,stateful",
    "--seed=20261121",
    "--no-color",
    "--exclude-operation-id=events",
    "--exclude-operation-id=watchApp",
    "--report=json",
];

/// Operations that are left out above: a stream of events does not end. Tests of the server read
/// them.
const LEFT_OUT: usize = 2;

/// How many rooms and people there are; the settings name them.
const ROOMS: usize = 20;
const PEOPLE: usize = 4;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let python = provide::python(workspace)?;
    // What is asked for here comes faster than people ask.
    let mut server =
        Server::start(workspace, "schemathesis", &[("CAMPANILE_LIMITS__ENABLED", "false")])?;
    let operator = Client::sign_up(&server, "operator")?;
    for number in 1..=ROOMS {
        let room = json!({"name": format!("room-{number}"), "kind": "public"});
        operator.request(Method::Post, "/rooms", &room)?;
    }
    for number in 1..=PEOPLE {
        let guest = Client::sign_up(&server, &format!("guest-{number}"))?;
        guest.request(Method::Put, "/keys", &prekeys())?;
    }
    let folder = workspace.folder("schemathesis")?;
    let report = folder.join("report.json");
    let _ = fs::remove_file(&report);
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.arg("--config-file").arg(workspace.task_file("python/schemathesis.toml"));
    command.arg("run").arg(server.url("/api/openapi.json")).args(OPTIONS);
    command.arg("--report-json-path").arg(&report);
    command.env("SCHEMATHESIS_HOOKS", workspace.task_file("python/schemathesis_hooks.py"));
    command.env("CAMPANILE_API", server.url("/api/v1")).env("CAMPANILE_USER", &operator.name);
    command.env("CAMPANILE_PASSWORD", Client::PASSWORD).current_dir(&folder);
    let status = process::follow(command, |_| {})?;
    server.check_running().context("the server did not survive")?;
    let text = fs::read_to_string(&report).context("schemathesis wrote no report")?;
    let totals = read_report(&serde_json::from_str(&text)?)?;
    ensure!(
        status.success() == (totals.failed == 0),
        "schemathesis ended with {status}: {totals:?}"
    );
    Ok(Outcome::Ran(totals))
}

/// Prekeys that somebody has published, or there would be none to claim.
fn prekeys() -> Value {
    // 48 bytes in base64.
    let material = "A".repeat(64);
    json!({
        "identity_key": material,
        "signed_prekey": {"id": 1, "key": material, "signature": material},
        "one_time_prekeys": [{"id": 1, "key": material}],
    })
}

/// What must have run. Examples run only where the document has some.
const PHASES: &[&str] = &["coverage", "fuzzing", "stateful"];

/// Counts the test cases; one of which nothing could be checked counts for nothing. A run that left
/// something out is an error.
fn read_report(report: &Value) -> Result<Totals> {
    let (operations, cases) = (&report["operations"], &report["test_cases"]);
    let count = |cases: &Value, key: &str| {
        let count = cases[key].as_u64().and_then(|count| usize::try_from(count).ok());
        count.with_context(|| format!("the report has no {key}"))
    };
    ensure!(report["complete"] == true, "the run stopped early: {}", report["stop_reason"]);
    ensure!(
        count(operations, "tested")? > 0
            && count(operations, "tested")? + LEFT_OUT == count(operations, "total")?,
        "not every operation was tested: {operations}"
    );
    for phase in PHASES {
        let phase_report = &report["phases"][phase];
        ensure!(phase_report["status"] != "skip", "the phase {phase} did not run: {phase_report}");
    }
    let (failed, unchecked) = (count(cases, "with_failures")?, count(cases, "without_checks")?);
    let errors = report["errors"].as_array().map_or(0, Vec::len).max(count(cases, "errored")?);
    let passed = count(cases, "generated")?.saturating_sub(failed + unchecked + errors);
    Ok(Totals { passed, failed: failed + errors, skipped: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Value {
        let ran = json!({"status": "success"});
        json!({
            "complete": true,
            "operations": {"total": 4, "tested": 2},
            "phases": {"examples": {"status": "skip"}, "coverage": ran, "fuzzing": ran, "stateful": ran},
            "test_cases": {"generated": 30, "with_failures": 5, "without_checks": 1, "errored": 0},
            "errors": [],
        })
    }

    #[test]
    fn cases_are_counted() {
        let totals = Totals { passed: 24, failed: 5, skipped: 0 };
        assert_eq!(read_report(&report()).ok(), Some(totals));
    }

    #[test]
    fn a_run_that_left_something_out_is_refused() {
        for (pointer, value) in [
            ("/complete", json!(false)),
            ("/operations/tested", json!(1)),
            ("/operations", json!({"total": 0, "tested": 0})),
            ("/phases/stateful/status", json!("skip")),
            ("/test_cases", json!({})),
        ] {
            let mut report = report();
            *report.pointer_mut(pointer).expect("the report has it") = value;
            assert!(read_report(&report).is_err(), "{pointer}");
        }
    }
}
