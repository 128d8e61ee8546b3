//! An alert is whole: tested in five cases, explained, routed by a severity, and its links lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::uses::line_of;
use crate::boards::{self, Board};
use crate::tower::{Rule, RuleFile, UnitTests};

/// What is tested of every alert. In the first it rings, in the others it does not.
const CASES: [&str; 5] = ["fault", "healthy", "idle", "missing", "restart"];

/// Those in which nothing is wrong, and something is there to be looked at.
const QUIET: [&str; 3] = ["healthy", "idle", "restart"];

const SEVERITIES: [&str; 4] = ["critical", "warning", "info", ALWAYS];

/// The severity of an alert that always rings.
const ALWAYS: &str = "none";

/// Where people read about an alert.
const RUNBOOKS: &str = "https://github.com/campanile-chat/campanile/blob/main/docs/runbooks/";

/// Where the boards are, below the address of Grafana.
const BOARDS: &str = "/d/campanile-";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.below("alerts", "yaml") {
        if path.starts_with("alerts/tests/") {
            continue;
        }
        // What cannot be read is said where the queries are read; the ruler's files are read here.
        let Ok(file) = RuleFile::parse(text) else {
            if path.starts_with("alerts/loki/") {
                findings.push(Finding::about(path, "is no file of rules"));
            }
            continue;
        };
        // promtool knows no LogQL.
        let tests = (!path.starts_with("alerts/loki/")).then(|| Tests::of(tree, path));
        for rule in file.rules() {
            let Some(alert) = rule.alert.as_deref() else { continue };
            let line = line_of(text, &format!("alert: {alert}"));
            let mut wrong = check_rule(tree, alert, rule);
            let always = rule.labels.get("severity").is_some_and(|severity| severity == ALWAYS);
            wrong.extend(tests.as_ref().into_iter().flat_map(|tests| tests.lacks(alert, always)));
            findings.extend(wrong.into_iter().map(|what| Finding::at(path, line, what)));
        }
    }
    findings
}

fn check_rule(tree: &Tree, alert: &str, rule: &Rule) -> Vec<String> {
    let mut wrong = Vec::new();
    let severity = rule.labels.get("severity").map_or("", String::as_str);
    if !SEVERITIES.contains(&severity) {
        wrong.push(format!("`{alert}` has the severity `{severity}`, not one of {SEVERITIES:?}"));
    }
    for annotation in ["summary", "description"] {
        if rule.annotations.get(annotation).is_none_or(|text| text.trim().is_empty()) {
            wrong.push(format!("`{alert}` has no {annotation}"));
        }
    }
    let link = |annotation: &str| rule.annotations.get(annotation).map_or("", String::as_str);
    let runbook = link("runbook_url").strip_prefix(RUNBOOKS).unwrap_or_default();
    if runbook.is_empty() || !tree.exists(&format!("docs/runbooks/{runbook}")) {
        wrong.push(format!("the runbook of `{alert}` is not there: `{}`", link("runbook_url")));
    }
    let board = link("dashboard_url").strip_prefix(BOARDS).unwrap_or_default();
    match tree.text(&format!("{}/{board}.toml", boards::SOURCES)) {
        None => {
            wrong.push(format!("the board of `{alert}` is not there: `{}`", link("dashboard_url")));
        }
        Some(text) if !links(board, text, runbook) => {
            wrong.push(format!("no panel of the board of `{alert}`, {board}, links {runbook}"));
        }
        Some(_) => {}
    }
    wrong
}

/// Whether a panel of the board links the runbook: who looks at one has the other at hand. Of a
/// board that cannot be read that is said elsewhere.
fn links(board: &str, text: &str, runbook: &str) -> bool {
    let alert = runbook.trim_end_matches(".md");
    Board::parse(&format!("{board}.toml"), text).map_or(true, |board| {
        board.panels().flat_map(|panel| &panel.runbooks).any(|linked| linked == alert)
    })
}

/// The unit tests of one file of rules.
struct Tests {
    path: String,
    /// Each case that is tested, `Alert: case`.
    cases: BTreeMap<String, Case>,
}

#[derive(Clone, Copy)]
struct Case {
    rings: bool,
    /// Whether there is any data in it.
    has_data: bool,
}

impl Tests {
    /// `alerts/tests/` mirrors `alerts/`.
    fn of(tree: &Tree, rules: &str) -> Self {
        let path = rules.replacen("alerts/", "alerts/tests/", 1);
        let parsed = tree.text(&path).and_then(|text| UnitTests::parse(text).ok());
        let mut cases = BTreeMap::new();
        for test in parsed.into_iter().flat_map(|tests| tests.tests) {
            let alert = test.name.split(':').next().unwrap_or_default();
            let about = test.alert_rule_test.iter().filter(|case| case.alertname == alert);
            let expected: BTreeSet<bool> = about.map(|case| !case.exp_alerts.is_empty()).collect();
            if !expected.is_empty() {
                let (rings, has_data) = (expected.contains(&true), !test.input_series.is_empty());
                cases.insert(test.name, Case { rings, has_data });
            }
        }
        Self { path, cases }
    }

    fn lacks(&self, alert: &str, always: bool) -> Vec<String> {
        let name = |case: &str| format!("{alert}: {case}");
        let missing = CASES.iter().filter(|case| !self.cases.contains_key(&name(case)));
        let mut wrong: Vec<String> =
            missing.map(|case| format!("{} has no test `{}`", self.path, name(case))).collect();
        if self.cases.get(&name("fault")).is_some_and(|case| !case.rings) {
            wrong.push(format!("in the fault of {} nothing rings", self.path));
        }
        for quiet in QUIET.iter().filter(|_| !always) {
            match self.cases.get(&name(quiet)) {
                Some(Case { rings: true, .. }) => {
                    wrong.push(format!("{} expects it in `{}`", self.path, name(quiet)));
                }
                Some(Case { has_data: false, .. }) => {
                    wrong.push(format!("{} has no data in `{}`", self.path, name(quiet)));
                }
                _ => {}
            }
        }
        wrong
    }
}
