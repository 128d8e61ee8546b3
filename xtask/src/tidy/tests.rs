//! The rules together: a broken repository is found out, and ours is not broken.

use std::fs;
use std::path::Path;

use serde_json::json;
use xshell::{Shell, cmd};

use super::*;

/// Asserts that one of the findings, printed, holds `expected`.
#[track_caller]
pub(crate) fn says(findings: &[Finding], expected: &str) {
    let printed: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(
        printed.iter().any(|line| line.contains(expected)),
        "`{expected}` is not in {printed:#?}"
    );
}

#[test]
fn a_broken_repository_breaks_every_rule() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let files = [
        ("README.md", "# Broken \n\n[nothing](docs/nothing.md)\n"),
        (
            "crates/core/Cargo.toml",
            "[package]\nname = \"core\"\n\n[dependencies]\ncampanile-server = \"1\"\nserde = \"1\"\n",
        ),
        ("crates/core/src/room.rs", "fn main() {}\n"),
        (
            "crates/core/src/metrics.rs",
            "//! M.\ncatalogue! { struct M { gauge g() = \"chat_g\"; } }\n",
        ),
        ("docs/metrics.md", "# Metrics\n"),
        ("docs/path.md", concat!("See /ho", "me/ada.\n")),
    ];
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("every file has a folder"))
            .expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }
    let shell = Shell::new().expect("there is a current folder");
    shell.change_dir(folder.path());
    cmd!(shell, "git init --quiet").run().expect("git makes a repository");

    let tree = Tree::load(folder.path()).expect("the repository is read");
    let packages =
        licences::Packages::of(&[json!({"name": "x", "version": "1.0.0", "license": null})]);
    let findings = findings(&tree, &packages);
    for expected in [
        "README.md:1: the line ends in white space",
        "README.md:3: the link to `docs/nothing.md` leads nowhere",
        "crates/core/Cargo.toml:5: `core` may not use `server`",
        "crates/core/Cargo.toml:6: `core` names `serde`",
        "crates/core/Cargo.toml:2: folder `core` holds package `campanile-core`",
        "crates/core/src/lib.rs:1: is missing",
        "crates/core/src/room.rs:1: a file opens with `//!`",
        "crates/core/src/metrics.rs:2: `chat_g` is declared here",
        "docs/metrics.md:1: does not say at its top that it is generated",
        "docs/path.md:1: ",
        "Cargo.lock:1: `x 1.0.0` does not name its licence",
    ] {
        says(&findings, expected);
    }
}

#[test]
fn our_repository_keeps_the_rules() {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tasks lie in the repository");
    let tree = Tree::load(root).expect("the repository is read");
    let packages = licences::Packages::of_workspace(root).expect("cargo describes the workspace");
    let findings: Vec<String> = findings(&tree, &packages).iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
