//! A runbook has four headings with something below each, and a query for whoever is woken.

use super::super::finding::Finding;
use super::super::tree::Tree;
use crate::tower::{HEADINGS, Runbook};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let runbooks =
        tree.below("docs/runbooks", "md").filter(|(path, _)| !path.ends_with("/README.md"));
    runbooks.flat_map(|(path, text)| check_runbook(path, text)).collect()
}

fn check_runbook(path: &str, text: &str) -> Vec<Finding> {
    let runbook = Runbook::parse(text);
    let names: Vec<&str> = runbook.headings.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    if names != HEADINGS {
        wrong.push(format!("has the headings {names:?}, not {HEADINGS:?}"));
    }
    let empty = runbook.headings.iter().filter(|(_, filled)| !filled);
    wrong.extend(empty.map(|(name, _)| format!("has nothing under `{name}`")));
    let asks = |fence: &crate::tower::Fence| matches!(fence.language.as_str(), "promql" | "logql");
    if !runbook.fences.iter().any(asks) {
        wrong.push("asks nothing: there is no query in it".to_owned());
    }
    wrong.into_iter().map(|what| Finding::about(path, what)).collect()
}
