//! The bell tower hangs together: metrics, queries, boards, alerts, their tests and runbooks.

mod alerts;
mod boards;
mod coverage;
mod logs;
mod queries;
mod runbooks;
mod uses;

use super::finding::Finding;
use super::tree::Tree;
use crate::tower::Catalogue;
use crate::tower::catalogue::{FOREIGN, OURS};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    // That a generated file is missing is said once, by the rule about generated files.
    let Some(ours) = tree.text(OURS) else { return Vec::new() };
    let catalogue = match Catalogue::parse(ours, tree.text(FOREIGN).unwrap_or_default()) {
        Ok(catalogue) => catalogue,
        Err(error) => return vec![Finding::about(OURS, format!("{error:#}"))],
    };
    let (uses, mut findings) = uses::all(tree);
    findings.extend(queries::check(&catalogue, &uses));
    findings.extend(coverage::check(&catalogue, &uses));
    findings.extend(boards::check(tree));
    findings.extend(alerts::check(tree));
    findings.extend(runbooks::check(tree));
    findings.extend(logs::check(tree));
    findings
}

#[cfg(test)]
mod tests;
