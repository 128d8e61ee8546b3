//! Our stack is found well made, and each way in which it could break is found, by file and key.

mod alertmanager;
mod grafana;
mod logs;
mod overlays;
mod prometheus;
mod services;
mod writes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use super::super::tests::says;
use super::*;

/// The stack, and what it is checked against. A few rules and boards stand for all.
const FILES: [&str; 14] = [
    "deploy/",
    "rust-toolchain.toml",
    "xtask/e2e/compose",
    "alerts/delivery",
    "alerts/http",
    "alerts/loki/",
    "alerts/monitoring",
    "alerts/resources",
    "alerts/slo.yaml",
    "alerts/up",
    "dashboards/source/logs",
    "dashboards/source/overview",
    "dashboards/logs",
    "dashboards/overview",
];

/// Read once for all tests.
static OURS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tasks lie in the repository");
    let tree = Tree::load(root).expect("the repository is read");
    let files = tree.files().filter(|(path, _)| {
        FILES.iter().any(|beginning| path.starts_with(beginning))
            && !path.starts_with("deploy/kubernetes/")
    });
    files.map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
});

fn findings(files: &BTreeMap<String, String>) -> Vec<Finding> {
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    check(&Tree::of(&files))
}

/// Asserts that one change at one place of one file is found, as `expected`.
#[track_caller]
fn finds(path: &str, from: &str, to: &str, expected: &str) {
    let mut files = OURS.clone();
    let text = files.get_mut(path).expect("there is such a file");
    assert!(text.contains(from), "`{from}` is not in {path}");
    *text = text.replacen(from, to, 1);
    says(&findings(&files), expected);
}

/// Asserts that it is found, as `expected`, that one file is gone.
#[track_caller]
fn misses(path: &str, expected: &str) {
    let mut files = OURS.clone();
    assert!(files.remove(path).is_some(), "there is no {path}");
    says(&findings(&files), expected);
}

#[test]
fn our_stack_is_well_made() {
    let findings: Vec<String> = findings(&OURS).iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_file_that_is_gone_is_missed() {
    for path in [
        "deploy/compose.yaml",
        "deploy/compose.standin.yaml",
        "deploy/prometheus/prometheus.yml",
        "deploy/alertmanager/alertmanager.yml",
        "deploy/grafana/provisioning/datasources/campanile.yaml",
        "deploy/grafana/provisioning/dashboards/campanile.yaml",
        "deploy/loki/loki.yaml",
        "deploy/alloy/config.alloy",
        "xtask/e2e/compose.yaml",
        "xtask/e2e/compose.standin.yaml",
    ] {
        misses(path, &format!("{path}:1: is missing"));
    }
}

#[test]
fn a_value_of_another_type_is_found_with_its_line() {
    let compose = "deploy/compose.yaml";
    finds(
        compose,
        "    mem_limit: 256m\n    cpus: 0.5",
        "    mem_limit: 256m\n    cpus: half",
        "cannot be read at `cpus: half`: invalid type: string \"half\", expected f64",
    );
    let loki = "deploy/loki/loki.yaml";
    finds(
        loki,
        "3100",
        "soon",
        "deploy/loki/loki.yaml:6: cannot be read at `http_listen_port: soon`: invalid type",
    );
    finds(loki, "  path_prefix: /loki\n", "", "missing field `path_prefix`");
    finds(loki, "server:", "server: [", "deploy/loki/loki.yaml:");
    finds(loki, "auth_enabled: false", "auth_enabled: false\nauth_enabled: true", "duplicate");
}
