//! The Kubernetes manifests: each parses as what it is, and they fit each other and the server.

mod applied;
mod generated;
mod objects;
mod operator;
mod pods;
mod references;
mod relabel;
mod selectors;
mod settings;
mod targets;

use super::finding::Finding;
use super::tree::Tree;
use objects::Objects;
use references::Held;

/// Where the manifests lie.
const FOLDER: &str = "deploy/kubernetes";

/// For a Prometheus that discovers pods itself: no manifest, and read by Prometheus.
const SCRAPE_CONFIG: &str = "deploy/kubernetes/monitoring/prometheus-scrape-config.yaml";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let (objects, mut findings) = Objects::read(tree);
    if objects.deployments.is_empty() {
        findings.push(Finding::about(FOLDER, "has no Deployment"));
        return findings;
    }
    let held = Held::by(tree, &objects);
    findings.extend(generated::check(tree));
    findings.extend(applied::check(tree, &objects));
    findings.extend(settings::check(tree, &objects, &held));
    for deployment in &objects.deployments {
        let wrong = pods::check(tree, &deployment.object, &objects);
        let wrong = wrong.into_iter().chain(held.missing_for(&deployment.object));
        findings.extend(wrong.map(|what| Finding::about(&deployment.path, what)));
    }
    findings.extend(selectors::check(&objects));
    findings.extend(targets::check(&objects, &held));
    findings
}

#[cfg(test)]
mod tests;
