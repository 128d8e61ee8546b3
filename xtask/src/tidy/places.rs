//! No file knows the machine it was written on: its home folders, or where its packages came from.

use super::finding::Finding;
use super::tree::Tree;

/// Beginnings of paths that exist on one machine only. Spelt in two halves, so that this file is
/// not a finding.
const HOMES: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

/// What pins a package to the place it was once fetched from.
const ORIGINS: &[&str] =
    &[concat!("\"res", "olved\": \"http"), concat!("index-", "url"), concat!("[sou", "rce.")];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(home) = HOMES.iter().find(|home| names_place(line, home)) {
            findings.push(Finding::at(
                path,
                index + 1,
                format!("`{home}…` exists on one machine only"),
            ));
        }
        if let Some(origin) = ORIGINS.iter().find(|origin| line.contains(**origin)) {
            findings.push(Finding::at(
                path,
                index + 1,
                format!("`{origin}…` ties packages to one place"),
            ));
        }
    }
    findings
}

/// Whether the line has an absolute path that begins so: nothing of a longer path stands before it.
fn names_place(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + home.len()..].chars().next();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-}*".contains(letter))
            && after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    fn file(text: &str) -> Vec<Finding> {
        check(&Tree::of(&[("docs/a.md", text)]))
    }

    #[test]
    fn a_home_folder_is_found() {
        says(&file(concat!("one\nsee /ho", "me/ada/notes\n")), "docs/a.md:2: `/ho");
        says(&file(concat!("`/wo", "rk/main`\n")), "exists on one machine only");
    }

    #[test]
    fn a_relative_path_is_none() {
        assert_eq!(file("crates/home/x, assets/work/y, GET /work\n"), []);
    }

    #[test]
    fn a_fixed_origin_is_found() {
        says(
            &file(concat!("  \"res", "olved\": \"https://example.org/a.tgz\",\n")),
            "ties packages",
        );
    }
}
