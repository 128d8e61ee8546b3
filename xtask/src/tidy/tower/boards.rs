//! A board is fresh, keeps the rules of boards, and its links lead somewhere.

use std::collections::BTreeSet;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::uses::line_of;
use crate::boards::{self, Board};

const README: &str = "dashboards/README.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    // What cannot be read is said where the queries are read.
    let boards = tree
        .below(boards::SOURCES, "toml")
        .filter_map(|(path, text)| Some((path, text, Board::parse(path, text).ok()?)));
    let boards: Vec<(&str, &str, Board)> = boards.collect();
    let mut findings = Vec::new();
    for (path, text, board) in &boards {
        let rendered = board.path();
        if tree.text(&rendered) != Some(board.rendered().as_str()) {
            findings.push(Finding::about(&rendered, "is stale: run `cargo xtask docs`"));
        }
        findings.extend(boards::lint(board).into_iter().map(|what| Finding::about(path, what)));
        for panel in board.panels() {
            for alert in &panel.runbooks {
                if !tree.exists(&format!("docs/runbooks/{alert}.md")) {
                    let what =
                        format!("`{}` names the runbook {alert}, which is not there", panel.title);
                    findings.push(Finding::at(path, line_of(text, alert), what));
                }
            }
        }
    }
    let known: BTreeSet<String> = boards.iter().map(|(_, _, board)| board.path()).collect();
    let strangers = tree.below("dashboards", "json").filter(|(path, _)| !known.contains(*path));
    findings.extend(strangers.map(|(path, _)| Finding::about(path, "has no source")));
    let boards: Vec<&Board> = boards.iter().map(|(_, _, board)| board).collect();
    findings.extend(guides(tree, &boards));
    findings
}

/// The table of the guides' panels names panels that exist: `[board](board.json): *A panel*`.
fn guides(tree: &Tree, boards: &[&Board]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in tree.text(README).unwrap_or_default().lines().enumerate() {
        for part in line.split("](").skip(1) {
            let Some((file, named)) = part.split_once(".json)") else { continue };
            let board =
                boards.iter().find(|board| board.path() == format!("dashboards/{file}.json"));
            // Between asterisks: every other part.
            for title in named.split('*').skip(1).step_by(2) {
                if !board.is_some_and(|board| board.panels().any(|panel| panel.title == title)) {
                    let what = format!("the board {file} has no panel `{title}`");
                    findings.push(Finding::at(README, number + 1, what));
                }
            }
        }
    }
    findings
}
