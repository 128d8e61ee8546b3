//! What images are built on is said to the day: the same file makes the same image tomorrow.

use super::super::finding::Finding;
use super::super::tree::Tree;
use crate::stack::bases;

/// Where the files lie from which images are built.
const FOLDER: &str = "deploy/";
const NAME: &str = "Dockerfile";

/// What is made here of packages has no version but theirs.
const OURS: &str = "campanile-standin:";

/// The toolchain of the workspace, which the image of the same name has.
const TOOLCHAIN: &str = "rust-toolchain.toml";
const TOOLCHAIN_IMAGE: &str = "rust";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.files().filter(|(path, _)| {
        path.starts_with(FOLDER) && path.rsplit('/').next().is_some_and(|name| name == NAME)
    });
    let channel = tree.text(TOOLCHAIN).and_then(channel);
    files.flat_map(|(path, text)| check_file(path, text, channel.as_deref())).collect()
}

fn check_file(path: &str, text: &str, channel: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for base in bases(text).into_iter().filter(|base| !base.starts_with(OURS)) {
        let line = text.lines().position(|line| line.contains(base)).map_or(1, |index| index + 1);
        let (image, tag) = tag_of(base);
        if !is_exact(tag) {
            let what = format!("`{base}` is not pinned: its tag has no version a.b.c and no date");
            findings.push(Finding::at(path, line, what));
        }
        let wanted = channel.filter(|_| image == TOOLCHAIN_IMAGE);
        if let Some(wanted) = wanted.filter(|wanted| tag.split('-').next() != Some(*wanted)) {
            let what = format!("`{base}` is not the toolchain of {TOOLCHAIN}: {wanted}");
            findings.push(Finding::at(path, line, what));
        }
    }
    findings
}

/// The name of an image without its registry, and its tag; a digest stays in the tag.
fn tag_of(image: &str) -> (&str, &str) {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').unwrap_or((last, ""))
}

/// `1.95.0-trixie`, `trixie-20260803-slim`.
fn is_exact(tag: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    tag.split('-').any(|part| {
        let is_date = part.len() == 8 && is_number(part);
        let is_version = part.split('.').count() >= 3 && part.split('.').all(is_number);
        is_date || is_version
    })
}

/// `channel = "1.95.0"`
fn channel(text: &str) -> Option<String> {
    let file: toml::Table = toml::from_str(text).ok()?;
    Some(file.get("toolchain")?.get("channel")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::says;

    fn found(dockerfile: &str) -> Vec<Finding> {
        let toolchain = "[toolchain]\nchannel = \"1.95.0\"\n";
        check(&Tree::of(&[("deploy/x/Dockerfile", dockerfile), (TOOLCHAIN, toolchain)]))
    }

    #[test]
    fn what_is_built_on_is_pinned() {
        let right = "FROM rust:1.95.0-trixie AS build\nFROM debian:trixie-20260803-slim\n";
        assert_eq!(found(right), []);
        assert_eq!(found("FROM quay.io/a/b:v-3.1.4\nFROM campanile-standin:trixie\n"), []);
        for loose in ["debian", "debian:latest", "debian:trixie-slim", "debian:13", "alpine:3.20"] {
            let found = found(&format!("# A comment.\nFROM {loose}\n"));
            says(&found, &format!("deploy/x/Dockerfile:2: `{loose}` is not pinned"));
        }
    }

    #[test]
    fn the_toolchain_is_that_of_the_workspace() {
        says(
            &found("FROM rust:1.94.0-trixie\n"),
            "is not the toolchain of rust-toolchain.toml: 1.95.0",
        );
        says(&found("FROM rust:1.95-trixie\n"), "`rust:1.95-trixie` is not pinned");
        says(&found("FROM rust:1.95-trixie\n"), "is not the toolchain");
    }
}
