//! The house rules as code: what `cargo xtask check` finds, `cargo test` finds too.

mod finding;
mod manifest;
mod tree;
mod typed;

mod absences;
mod crates;
mod documents;
mod drills;
mod generated;
mod kubernetes;
mod layers;
mod licences;
mod log_lines;
mod manifests;
mod metric_names;
mod monitoring;
mod places;
mod proofs;
mod sizes;
mod sources;
mod stack;
mod tower;

use std::path::Path;

use anyhow::Result;

use finding::Finding;
pub(crate) use tree::Tree;

/// A rule reads the tree and says what is wrong with it.
type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    layers::check,
    absences::check,
    manifests::check,
    crates::check,
    sources::check,
    documents::check,
    generated::check,
    metric_names::check,
    log_lines::check,
    places::check,
    proofs::check,
    tower::check,
    monitoring::check,
    drills::check,
    kubernetes::check,
    stack::check,
];

/// Checks the repository at `root` and prints what it found and what is longest.
/// Says whether the rules are kept.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let tree = Tree::load(root)?;
    print!("{}", sizes::report(&tree));
    let findings = findings(&tree, &licences::Packages::of_workspace(root)?);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("check: {} files keep the rules", tree.len()),
        count => println!("check: {count} findings in {} files", tree.len()),
    }
    Ok(findings.is_empty())
}

fn findings(tree: &Tree, packages: &licences::Packages) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    findings.extend(packages.check());
    findings.sort();
    findings
}

#[cfg(test)]
mod tests;
