//! The stack that people start: its compose file, and the configurations of what runs in it, hang
//! together.

mod compose;
mod dockerfiles;
mod overlays;
mod references;
mod services;
mod writes;

mod alertmanager;
mod alloy;
mod grafana;
mod inhibitions;
mod loki;
mod matchers;
mod prometheus;

use super::finding::Finding;
use super::tree::Tree;
use compose::Compose;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let (compose, mut findings) = Compose::read(tree);
    // That it cannot be read is said; nothing else can be told then.
    let Some(compose) = compose else { return findings };
    findings.extend(services::check(&compose));
    findings.extend(writes::check(&compose));
    findings.extend(references::check(tree, &compose));
    findings.extend(overlays::check(tree, &compose));
    findings.extend(dockerfiles::check(tree));
    findings.extend(prometheus::check(tree, &compose));
    findings.extend(alertmanager::check(tree, &compose));
    findings.extend(grafana::check(tree, &compose));
    findings.extend(loki::check(tree, &compose));
    findings.extend(alloy::check(tree, &compose));
    findings
}

#[cfg(test)]
mod tests;
