//! Files that a program writes: they are there, and say so. A test of the server, which `check` runs,
//! proves them fresh.

use super::finding::Finding;
use super::tree::Tree;

/// Written by `cargo xtask docs`.
const GENERATED: &[&str] =
    &["docs/metrics.md", "docs/config.md", "docs/logs.md", "deploy/campanile.example.toml"];

/// The reader learns of it within so many lines.
const HEADER_LINES: usize = 5;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    GENERATED.iter().filter_map(|path| check_file(path, tree.text(path))).collect()
}

fn check_file(path: &str, text: Option<&str>) -> Option<Finding> {
    let Some(text) = text else {
        return Some(Finding::about(path, "is missing: run `cargo xtask docs`"));
    };
    let says_so =
        text.lines().take(HEADER_LINES).any(|line| line.to_lowercase().contains("generated"));
    (!says_so).then(|| Finding::about(path, "does not say at its top that it is generated"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    #[test]
    fn a_missing_file_is_found() {
        says(&check(&Tree::of(&[])), "docs/config.md:1: is missing: run `cargo xtask docs`");
    }

    #[test]
    fn a_generated_file_says_so() {
        let header = "# Settings\n\nGenerated: change the source, then `cargo xtask docs`.\n";
        assert_eq!(check_file("docs/config.md", Some(header)), None);
        let finding = check_file("docs/config.md", Some("# Settings\n"));
        says(finding.as_slice(), "docs/config.md:1: does not say at its top");
    }
}
