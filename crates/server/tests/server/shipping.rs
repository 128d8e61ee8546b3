//! Log lines on their way to Loki, from a start to an end.

use crate::{
    stand_in::{Manner, StandIn},
    support::{
        Server,
        program::{Program, campanile},
        start, until,
    },
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

/// How long an end waits for Loki.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// How much longer an end may take, while Loki takes nothing, than one while Loki is well: the
/// deadline, and as long again on a busy machine. A push that is not answered is given up after 10 s.
const LATER_MAX: Duration = FLUSH_DEADLINE.saturating_mul(2);

/// The program, which ships to Loki.
fn shipping(home: &Path, loki: &StandIn) -> Command {
    let mut command = campanile(home);
    command.env("CAMPANILE_LOG__LOKI__URL", loki.url());
    command.env("CAMPANILE_LOG__LOKI__FLUSH_DEADLINE", "0.5");
    command
}

fn end(program: &mut Program) -> Option<i32> {
    program.signal("-TERM");
    let child: &mut Child = &mut program.child;
    until("the end", || child.try_wait().expect("it is ours")).code()
}

/// The same, with the deadline.
fn patient(home: &Path, loki: &StandIn) -> Command {
    let mut command = shipping(home, loki);
    command.env("CAMPANILE_LOG__LOKI__FLUSH_DEADLINE", FLUSH_DEADLINE.as_secs().to_string());
    command
}

/// Ends it; how long it took from when it said that it stops, and all that it logged.
fn ending(program: &mut Program, fault: &str) -> (Duration, Vec<Value>) {
    program.signal("-TERM");
    let mut lines = program.early_lines.clone();
    while lines.last().is_none_or(|line| line["event"] != "stopping") {
        let line = program.lines.recv_timeout(Duration::from_secs(60));
        lines.push(line.expect("it says that it stops"));
    }
    let stopping_at = Instant::now();
    // The last of them comes with the end.
    lines.extend(program.lines.iter());
    let took = stopping_at.elapsed();
    let child: &mut Child = &mut program.child;
    let status = until("the end", || child.try_wait().expect("it is ours"));
    assert!(status.success(), "{fault}: nothing else ends because of it");
    (took, lines)
}

/// The first line that says so.
fn line(program: &Program, message: &str) -> Value {
    let mut lines = std::iter::from_fn(|| program.lines.recv_timeout(Duration::from_secs(10)).ok());
    lines.find(|line| line["message"] == message).unwrap_or_else(|| panic!("it says: {message}"))
}

#[test]
fn every_line_is_shipped_with_its_labels_and_the_last_ones_at_the_end() {
    let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
    fs::write(home.path().join("password"), "open sesame\n").expect("written");
    let mut command = shipping(home.path(), &loki);
    command.env("CAMPANILE_CLUSTER__NODE", "tower-1");
    command.env("CAMPANILE_LOG__LOKI__LABELS__ENV", "test");
    command.env("CAMPANILE_LOG__LOKI__TENANT", "bells");
    command.env("CAMPANILE_LOG__LOKI__USER", "ada");
    command.env("CAMPANILE_LOG__LOKI__PASSWORD_FILE", "password");
    let mut program = Program::start(&mut command);
    assert_eq!(end(&mut program), Some(0));
    let seen = loki.lock();
    assert_eq!(seen.messages().last().map(String::as_str), Some("stopped"));
    for entry in &seen.entries {
        let labels: Vec<_> = entry.labels.iter().map(|(key, value)| (&**key, &**value)).collect();
        let level = ("level", &*entry.labels["level"]);
        let wanted = [("env", "test"), ("instance", "tower-1"), ("job", "chat-server"), level];
        assert_eq!(labels, wanted);
    }
    assert_eq!(seen.headers["x-scope-orgid"], "bells");
    assert_eq!(seen.headers["authorization"], "Basic YWRhOm9wZW4gc2VzYW1l");
}

#[test]
fn operators_see_how_the_lines_fare() {
    let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
    let program = Program::start(&mut shipping(home.path(), &loki));
    let server = Server::of_program(&program.url, program.metrics.clone());
    let ada = server.user("ada");
    let stats = || server.get_as(&ada, "/api/v1/stats").expect(200);
    let sent = until("all are sent", || {
        let logs = stats()["logs"].take();
        let waits = logs["queue_bytes"] != 0 || logs["oldest_seconds"] != 0.0;
        (!waits && logs["sent_total"].as_f64() > Some(3.0)).then_some(logs)
    });
    assert_eq!(sent["dropped_total"], 0);
    assert!(sent["last_success_at"].as_str().expect("a time").ends_with('Z'), "{sent}");
    loki.behave(Manner::Answer(503, "ill"));
    server.log_in("ada");
    until("a line waits", || {
        let logs = stats()["logs"].take();
        let waits = logs["queue_bytes"].as_u64() > Some(0);
        (waits && logs["oldest_seconds"].as_f64() > Some(0.0)).then_some(())
    });
    let alone = start();
    let bob = alone.user("bob");
    assert!(alone.get_as(&bob, "/api/v1/stats").expect(200)["logs"].is_null());
}

#[test]
fn what_is_not_shipped_by_the_end_is_told() {
    let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
    loki.behave(Manner::Answer(503, "ill"));
    let mut program = Program::start(&mut shipping(home.path(), &loki));
    assert_eq!(end(&mut program), Some(0), "nothing else ends because of it");
    let said = line(&program, "log lines were not shipped");
    assert!(said["lines"].as_u64().expect("a number") > 3, "{said}");
    assert!(said["reason"].as_str().expect("a reason").contains("503"), "{said}");
}

#[test]
fn an_end_while_loki_takes_nothing_is_in_time_and_tells_of_every_line() {
    let usual = {
        let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
        let mut program = Program::start(&mut patient(home.path(), &loki));
        ending(&mut program, "is well").0
    };
    let faults = [
        ("is away", None),
        ("never answers", Some(Manner::Stall)),
        ("closes connections", Some(Manner::Close)),
    ];
    for (fault, manner) in faults {
        let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
        let is_away = manner.is_none();
        manner.map_or_else(|| loki.go_down(), |manner| loki.behave(manner));
        let mut program = Program::start(&mut patient(home.path(), &loki));
        // A push is on its way that is not answered.
        until("the first lines were tried", || (is_away || loki.lock().pushes > 0).then_some(()));
        let (took, lines) = ending(&mut program, fault);
        assert!(took < usual + LATER_MAX, "{fault}: it took {took:?}, and usually {usual:?}");
        // What the shipper says of itself goes nowhere but here.
        let is_own = |line: &&Value| {
            line["target"].as_str().is_some_and(|t| t.starts_with("campanile_loki"))
        };
        let (said, shipped): (Vec<_>, Vec<_>) = lines
            .iter()
            .filter(|line| !is_own(line))
            .partition(|line| line["event"] == "logs_not_shipped");
        assert_eq!(said.len(), 1, "{fault}: {lines:?}");
        assert_eq!(said[0]["lines"], shipped.len(), "{fault}: {lines:?}");
        assert_ne!(said[0]["reason"], "", "{fault}");
    }
}

#[test]
fn what_is_in_the_spool_is_shipped_after_the_next_start() {
    let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
    loki.behave(Manner::Answer(503, "ill"));
    let start = || {
        let mut command = shipping(home.path(), &loki);
        Program::start(command.env("CAMPANILE_LOG__LOKI__SPOOL_DIR", "spool"))
    };
    let mut program = start();
    assert_eq!(end(&mut program), Some(0));
    line(&program, "log lines wait for the next start");
    loki.behave(Manner::Loki);
    let _program = start();
    let served = |seen: &[String]| seen.iter().filter(|message| *message == "serving").count();
    loki.wait_for("both have served", |seen| served(&seen.messages()) == 2);
}

#[test]
fn a_check_says_whether_loki_takes_lines() {
    let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
    let check = || {
        let mut command = campanile(home.path());
        command.args(["check", "monitoring"]).env("CAMPANILE_LOG__LOKI__URL", loki.url());
        String::from_utf8(command.output().expect("it runs").stdout).expect("text")
    };
    let said = check();
    assert!(said.contains(&format!("fine   log.loki.url: {} takes lines", loki.url())), "{said}");
    loki.behave(Manner::Answer(401, "who are you"));
    let said = check();
    assert!(said.contains("WRONG  log.loki.url") && said.contains("who are you"), "{said}");
    loki.go_down();
    let said = check();
    assert!(said.contains("WRONG  log.loki.url") && said.contains("refused"), "{said}");
}

#[test]
fn what_nothing_can_be_shipped_with_is_a_mistake_of_the_start() {
    let (loki, home) = (StandIn::start(), tempfile::tempdir().expect("a directory"));
    fs::write(home.path().join("file"), "").expect("written");
    for (setting, value) in [("CA", "absent.pem"), ("CA", "file"), ("SPOOL_DIR", "file")] {
        let mut command = shipping(home.path(), &loki);
        let output = command.env(format!("CAMPANILE_LOG__LOKI__{setting}"), value).output();
        let output = output.expect("it runs");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("log.loki") && said.contains(value), "{said}");
    }
}
