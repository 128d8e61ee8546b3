//! The manifests of rules and boards are those of today's alerts and boards, and no others.

use super::super::finding::Finding;
use super::super::tree::Tree;
use crate::kubernetes::{FOLDERS, rendered_of};

/// `kubectl apply` keeps a copy of an object in an annotation, which may be so long.
const MANIFEST_BYTES_MAX: usize = 262_144;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let fresh = rendered_of(tree.files());
    let mut findings = Vec::new();
    for (path, text) in &fresh {
        if tree.text(path) != Some(text) {
            findings.push(Finding::about(path, "is stale: run `cargo xtask docs`"));
        }
        if text.len() > MANIFEST_BYTES_MAX {
            let what = format!("has {} bytes: `kubectl apply` refuses it", text.len());
            findings.push(Finding::about(path, what));
        }
    }
    for folder in FOLDERS {
        let here = tree.below(folder, "yaml").map(|(path, _)| path);
        let strangers = here.filter(|path| !fresh.iter().any(|(known, _)| known == path));
        findings.extend(strangers.map(|path| {
            Finding::about(path, "is made of nothing: remove it with `cargo xtask docs`")
        }));
    }
    findings
}
