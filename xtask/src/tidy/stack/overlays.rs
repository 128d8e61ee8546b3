//! The compose files that lie over ours for `cargo xtask e2e`: what is new in them is as whole as what
//! ships, and what they change is there.

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::compose::{self, Compose, ComposeFile, Service};
use super::references;
use super::services;
use crate::e2e::VARIABLES;

/// What lies over the stack, and what differs in it where no image can be pulled.
const FILE: &str = "xtask/e2e/compose.yaml";
const STANDIN: &str = "xtask/e2e/compose.standin.yaml";

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let (file, mut findings) = compose::read(tree, FILE);
    if let Some(file) = &file {
        let wrong = services_of(tree, compose, file);
        findings.extend(wrong.into_iter().map(|what| Finding::about(FILE, what)));
    }
    let text = tree.text(FILE).unwrap_or_default();
    findings.extend(variables(text));
    let (standin, wrong) = compose::read(tree, STANDIN);
    findings.extend(wrong);
    let is_known = |name: &String| {
        let over = file.iter().any(|file| file.services.contains_key(name));
        over || compose.file.services.contains_key(name)
    };
    let standins = standin.into_iter().flat_map(|file| file.services.into_keys());
    findings.extend(standins.filter(|name| !is_known(name)).map(|name| {
        Finding::about(STANDIN, format!("`services.{name}` stands in for no service"))
    }));
    findings
}

fn services_of(tree: &Tree, compose: &Compose, file: &ComposeFile) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in &file.services {
        let mut found = references::named(tree, compose, (service, file));
        if compose.file.services.contains_key(name) {
            found.extend(kept(name, service));
        } else {
            found.extend(services::wrong(name, service));
            if service.networks.is_empty() {
                found.push(("networks", "is missing: it is where everybody is".to_owned()));
            }
        }
        wrong
            .extend(found.into_iter().map(|(key, what)| format!("`services.{name}.{key}` {what}")));
    }
    wrong
}

/// What is changed all the same, and why.
const CHANGED: &[(&str, &str, &str)] = &[(
    "node-exporter",
    "user",
    "the engine mounts the small disk that is filled below a folder of root's",
)];

/// What ships is what is tested: its image, its rights and its programs stay as they are.
fn kept(name: &str, service: &Service) -> Vec<(&'static str, String)> {
    let changed = [
        ("image", !service.image.is_empty()),
        ("user", !service.user.is_empty()),
        ("entrypoint", !service.entrypoint.is_empty()),
        ("cap_add", !service.cap_add.is_empty()),
        ("security_opt", !service.security_opt.is_empty()),
    ];
    let is_excused = |key| CHANGED.iter().any(|(of, what, _)| (*of, *what) == (name, key));
    let changed = changed.into_iter().filter(|(key, is_changed)| *is_changed && !is_excused(*key));
    changed.map(|(key, _)| (key, "is not what ships".to_owned())).collect()
}

/// Each variable has a value without us, or is set by the run.
fn variables(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for part in line.split("${").skip(1) {
            let variable = part.split('}').next().unwrap_or_default();
            let is_set = variable.contains('-') || VARIABLES.contains(&variable);
            if !is_set {
                let what = format!("`${{{variable}}}` is set by nobody");
                findings.push(Finding::at(FILE, number + 1, what));
            }
        }
    }
    findings
}
