//! What lies in the folder of each crate.

use super::finding::Finding;
use super::tree::Tree;

/// Crates that anyone may use alone: each explains itself and shows itself at work.
/// A name that ends in `-` stands for all that start so.
const REUSABLE: &[&str] = &[
    "core",
    "metrics",
    "protocol",
    "pusher",
    "conformance",
    "exporter-",
    "adapter-",
    "loki",
    "monitor-lint",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.crates().into_iter().flat_map(|folder| check_crate(tree, folder)).collect()
}

fn check_crate(tree: &Tree, folder: &str) -> Vec<Finding> {
    let place = format!("crates/{folder}");
    let mut findings = Vec::new();
    if !tree.exists(&format!("{place}/src/lib.rs")) {
        findings.push(Finding::about(&format!("{place}/src/lib.rs"), "is missing"));
    }
    if !is_reusable(folder) {
        return findings;
    }
    if !tree.exists(&format!("{place}/README.md")) {
        findings
            .push(Finding::about(&format!("{place}/README.md"), "a reusable crate has a README"));
    }
    if tree.below(&format!("{place}/examples"), "rs").next().is_none() {
        findings
            .push(Finding::about(&format!("{place}/examples"), "a reusable crate has an example"));
    }
    findings
}

fn is_reusable(folder: &str) -> bool {
    REUSABLE.iter().any(|name| folder == *name || name.ends_with('-') && folder.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    #[test]
    fn a_crate_without_a_library_is_found() {
        let findings = check(&Tree::of(&[("crates/core/src/main.rs", "")]));
        says(&findings, "crates/core/src/lib.rs:1: is missing");
    }

    #[test]
    fn a_reusable_crate_has_a_readme_and_an_example() {
        let library = ("crates/exporter-otlp/src/lib.rs", "");
        let findings = check(&Tree::of(&[library]));
        says(&findings, "crates/exporter-otlp/README.md:1: a reusable crate has a README");
        says(&findings, "crates/exporter-otlp/examples:1: a reusable crate has an example");
        let readme = ("crates/exporter-otlp/README.md", "");
        let example = ("crates/exporter-otlp/examples/push.rs", "");
        assert_eq!(check(&Tree::of(&[library, readme, example])), []);
    }

    #[test]
    fn a_crate_of_ours_alone_needs_neither() {
        assert_eq!(check(&Tree::of(&[("crates/neighbours/src/lib.rs", "")])), []);
    }
}
