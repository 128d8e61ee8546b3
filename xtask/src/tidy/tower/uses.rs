//! Every PromQL expression of the repository, and where it stands.

use std::collections::BTreeSet;

use super::super::finding::Finding;
use super::super::tree::Tree;
use crate::boards::{self, Datasource};
pub(super) use crate::tower::line_of;
use crate::tower::{Query, RuleFile, fences, is_wrong_on_purpose};

/// An expression that parses.
pub(super) struct Use {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) query: Query,
    pub(super) by: By,
}

/// What uses the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Rule,
    Board,
    Document,
}

/// All expressions, those that rules record, and what was wrong with reading them.
pub(super) struct Uses {
    pub(super) all: Vec<Use>,
    /// The names that rules give to what they record.
    pub(super) recorded: BTreeSet<String>,
}

pub(super) fn all(tree: &Tree) -> (Uses, Vec<Finding>) {
    let mut uses = Uses { all: Vec::new(), recorded: BTreeSet::new() };
    let mut findings = Vec::new();
    for (path, text) in rule_files(tree) {
        match RuleFile::parse(text) {
            Ok(file) => {
                for rule in file.rules() {
                    uses.recorded.extend(rule.record.clone());
                    let name = rule.alert.as_deref().or(rule.record.as_deref()).unwrap_or_default();
                    let line = line_of(text, name);
                    uses.take(path, line, &rule.expr, By::Rule, &mut findings);
                }
            }
            Err(error) => {
                findings.push(Finding::about(path, format!("is no file of rules: {error:#}")))
            }
        }
    }
    for (path, text) in tree.below(boards::SOURCES, "toml") {
        match boards::Board::parse(path, text) {
            Ok(board) => {
                for (panel, query) in board.queries(Datasource::Prometheus) {
                    let plain = boards::expand(&query.expr, &boards::Variables::default());
                    uses.take(path, line_of(text, panel), &plain, By::Board, &mut findings);
                }
            }
            Err(error) => findings.push(Finding::about(path, format!("is no board: {error:#}"))),
        }
    }
    let documents = tree.files().filter(|(path, _)| path.ends_with(".md"));
    for (path, text) in documents.filter(|(path, _)| !is_wrong_on_purpose(path)) {
        for fence in fences(text).into_iter().filter(|fence| fence.language == "promql") {
            uses.take(path, fence.line, fence.text.trim(), By::Document, &mut findings);
        }
    }
    (uses, findings)
}

/// The rule files for Prometheus; those for the ruler of Loki are in LogQL.
pub(super) fn rule_files(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let other = |path: &str| path.starts_with("alerts/tests/") || path.starts_with("alerts/loki/");
    tree.below("alerts", "yaml").filter(move |(path, _)| !other(path))
}

impl Uses {
    fn take(&mut self, path: &str, line: usize, text: &str, by: By, findings: &mut Vec<Finding>) {
        match Query::parse(text) {
            Ok(query) => self.all.push(Use { path: path.to_owned(), line, query, by }),
            Err(error) => {
                findings.push(Finding::at(path, line, format!("no PromQL: {error:#}: {text}")));
            }
        }
    }
}
