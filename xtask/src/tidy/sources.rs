//! Texts: every Rust file says its purpose first, and no line ends in space or holds a tab.

use super::finding::Finding;
use super::tree::Tree;

/// Files that people write, by the end of their name.
const WRITTEN: &[&str] = &[
    ".css", ".html", ".js", ".md", ".mjs", ".py", ".rs", ".sh", ".sql", ".toml", ".yaml", ".yml",
    ".ci/run",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let written = tree.files().filter(|(path, _)| WRITTEN.iter().any(|end| path.ends_with(end)));
    written.flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if path.ends_with(".rs") && !opens_with_purpose(text) {
        findings
            .push(Finding::about(path, "a file opens with `//!` and its purpose in a sentence"));
    }
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::at(path, index + 1, "the line ends in white space"));
        }
        if line.contains('\t') {
            findings.push(Finding::at(path, index + 1, "the line holds a tab"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::at(path, text.lines().count(), "the last line does not end"));
    }
    findings
}

fn opens_with_purpose(text: &str) -> bool {
    let opening = text.lines().map_while(|line| line.strip_prefix("//!"));
    let sentence: Vec<&str> = opening.map(str::trim).take_while(|line| !line.is_empty()).collect();
    sentence.last().is_some_and(|line| line.ends_with(['.', ':']))
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    fn file(path: &str, text: &str) -> Vec<Finding> {
        check(&Tree::of(&[(path, text)]))
    }

    #[test]
    fn a_purpose_may_take_two_lines() {
        assert_eq!(
            file("crates/core/src/room.rs", "//! A room: who may speak,\n//! and when.\n"),
            []
        );
    }

    #[test]
    fn a_rust_file_without_a_purpose_is_found() {
        for text in ["", "use std::fs;\n", "//!\n//! Late.\n", "//! no sentence\n"] {
            says(
                &file("crates/core/src/room.rs", text),
                "crates/core/src/room.rs:1: a file opens with",
            );
        }
    }

    #[test]
    fn white_space_that_nobody_sees_is_found() {
        says(&file("docs/a.md", "one\ntwo \n"), "docs/a.md:2: the line ends in white space");
        says(&file("docs/a.md", "one\n\ttwo\n"), "docs/a.md:2: the line holds a tab");
        says(&file("docs/a.md", "one\ntwo"), "docs/a.md:2: the last line does not end");
    }

    #[test]
    fn what_nobody_writes_is_not_read() {
        assert_eq!(file("docs/a.svg", "one \n\t"), []);
    }
}
