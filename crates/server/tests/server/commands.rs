//! The commands that look: at the settings, at the catalogue, and at a running server.

use crate::support::{Server, program::campanile, sabotage, start, start_with};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

#[test]
fn check_says_what_is_wrong() {
    let server = start();
    let home = tempfile::tempdir().expect("a directory");
    let metrics = scrape_address(&server);
    let check = |what: &str, metrics: &str| {
        let output = run(home.path(), &["check", what, "--metrics-listen", metrics]);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, said) = check("config", &metrics);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check("modules", &metrics);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("served by this program"), "{said}");
    assert!(said.contains("apps: 1, which the first start makes, in data/app.toml"), "{said}");
    assert!(!home.path().join("data/app.toml").exists(), "a check makes none");
    let (code, said) = check("metrics", &metrics);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check("metrics", &server.address.to_string());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG") && said.contains("404"), "{said}");
    let fresh = start();
    let metrics = scrape_address(&fresh);
    let (code, said) = check("monitoring", &metrics);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("point Prometheus there") && said.contains("nobody has asked"), "{said}");
    fresh.scrape();
    fresh.get("/");
    let (code, said) = check("monitoring", &metrics);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn top_shows_a_running_server_once() {
    let server = start();
    let home = tempfile::tempdir().expect("a directory");
    let output = campanile(home.path()).args(["top", "--once", "--url", &server.metrics]).output();
    let output = output.expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}");
    assert!(text.contains("campanile 0.1.0") && text.contains("delivery"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let url = server.url("/nothing");
    let output = campanile(home.path()).args(["top", "--once", "--url", &url]).output();
    assert_eq!(output.expect("it runs").status.code(), Some(1));
}

#[test]
fn check_alone_looks_at_everything() {
    let server = start();
    server.scrape();
    server.get("/");
    let home = tempfile::tempdir().expect("a directory");
    let output = run(home.path(), &["check", "--metrics-listen", &scrape_address(&server)]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{said}");
    for what in [
        "config",
        "server.listen",
        "metrics.port",
        "server.data_dir",
        "apps",
        "store.url",
        "apps of the store",
        "bus.url",
        "metrics",
        "scrapes",
        "denied scrapes",
        "traffic",
    ] {
        assert!(said.contains(&format!("fine   {what}: ")), "{what} is looked at: {said}");
    }
    assert!(!said.contains("WRONG"), "{said}");
}

#[test]
fn check_lists_the_applications_that_operators_have_made() {
    let server = start();
    let operator = server.user("ada");
    let check = |home: &Path, settings: &str| {
        fs::write(home.join("campanile.toml"), settings).expect("it is written");
        let data = server.data.path().to_str().expect("text");
        let metrics = scrape_address(&server);
        let words = ["check", "modules", "--metrics-listen", &metrics, "--data-dir", data];
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
        let command = command.current_dir(home).env_clear().args(words);
        let output = command.args(["--listen", "127.0.0.1:0"]).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let home = tempfile::tempdir().expect("a directory");
    let finds = |settings: &str, code: i32, line: &str| {
        let (found, said) = check(home.path(), settings);
        assert_eq!(found, Some(code), "{said}");
        assert!(said.lines().any(|one| one == line), "{line:?} in: {said}");
    };
    finds("", 0, "fine   apps of the store: none");
    for (id, enabled) in [("shop", true), ("off", false), ("twice", true)] {
        let app = json!({"id": id, "name": "An application", "enabled": enabled});
        server.post_as(&operator, "/api/v1/apps", app).expect(201);
    }
    finds("", 0, "fine   apps of the store: off (disabled), shop, twice");
    let hides = "[[apps]]\nid = \"twice\"\nkey = \"k\"\nsecret = \"mfsehxbtzqkgnwdv\"\n";
    finds(
        hides,
        0,
        "fine   apps of the store: off (disabled), shop, twice (hidden by the settings)",
    );
    for statement in [
        "INSERT INTO applications VALUES ('nameless', '', 1, '{}', 1, 1)",
        "UPDATE applications SET settings = '{\"new\": 1}' WHERE id = 'shop'",
    ] {
        sabotage::change(&server, statement);
    }
    let (code, said) = check(home.path(), "");
    assert_eq!(code, Some(1), "{said}");
    let wrong = said.lines().find(|line| line.starts_with("WRONG  apps of the store: "));
    let wrong = wrong.expect("it is said");
    for part in ["\"nameless\" makes no sense", "shop cannot be served: unknown field `new`"] {
        assert!(wrong.contains(part), "{wrong}");
    }
}

#[test]
fn check_says_that_metrics_are_shown_to_others_only() {
    let elsewhere = "192.0.2.1".parse().expect("an address");
    let server = start_with(|config| config.metrics.allow_ips = vec![elsewhere]);
    let home = tempfile::tempdir().expect("a directory");
    let output =
        run(home.path(), &["check", "metrics", "--metrics-listen", &scrape_address(&server)]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = format!(
        "WRONG  metrics: {} does not allow this address (metrics.allow_ips, metrics.allow_cidr)",
        server.metrics
    );
    assert!(said.lines().any(|line| line == expected), "{expected:?} in: {said}");
}

#[test]
fn the_catalogue_is_printed_as_it_is_written_down() {
    let home = tempfile::tempdir().expect("a directory");
    let print = |arguments: &[&str]| {
        let output = run(home.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).expect("text")
    };
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let written = |file: &str| fs::read_to_string(documents.join(file)).expect("it is there");
    assert!(print(&["metrics", "--json"]) == written("metrics.json"), "docs/metrics.json");
    assert!(print(&["metrics", "--markdown"]) == written("metrics.md"), "docs/metrics.md");
    let metrics: Vec<serde_json::Value> =
        serde_json::from_str(&written("metrics.json")).expect("JSON");
    let line = |metric: &serde_json::Value| {
        let labels = metric["labels"].as_array().expect("a list").iter();
        let labels: Vec<_> = labels.map(|label| label["name"].as_str().expect("text")).collect();
        let text = |key: &str| metric[key].as_str().expect("text").to_owned();
        format!("{} {} {{{}}}", text("name"), text("kind"), labels.join(","))
    };
    let expected: BTreeSet<String> = metrics.iter().map(line).collect();
    let text = print(&["metrics"]);
    let printed: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(printed, expected);
    assert_eq!(text.lines().count(), metrics.len(), "each once");
}

/// Where the metrics of a server are, as `--metrics-listen` says it.
fn scrape_address(server: &Server) -> String {
    server.metrics.trim_start_matches("http://").trim_end_matches("/metrics").to_owned()
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    campanile(home).args(arguments).output().expect("it runs")
}
