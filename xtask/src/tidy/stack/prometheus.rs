//! What Prometheus scrapes, reads and tells is there.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::super::typed;
use super::compose::{Compose, Inside};

const FILE: &str = "deploy/prometheus/prometheus.yml";

const SERVICE: &str = "prometheus";

/// What it is started with, and what would be else.
const FLAGS: [(&str, &str); 2] = [
    ("--enable-feature=exemplar-storage", "no latency leads to the lines of its trace"),
    ("--storage.tsdb.retention.time=30d", "another time is promised"),
];

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "global")]
    _global: Global,
    rule_files: Vec<String>,
    alerting: Alerting,
    scrape_configs: Vec<Job>,
}

#[derive(Deserialize)]
struct Global {
    #[serde(rename = "scrape_interval")]
    _scrape_interval: String,
    #[serde(rename = "scrape_timeout")]
    _scrape_timeout: String,
    #[serde(rename = "evaluation_interval")]
    _evaluation_interval: String,
}

#[derive(Deserialize)]
struct Alerting {
    alertmanagers: Vec<Receivers>,
}

#[derive(Deserialize)]
struct Receivers {
    static_configs: Vec<Static>,
}

#[derive(Deserialize)]
struct Job {
    job_name: String,
    static_configs: Vec<Static>,
    #[serde(rename = "authorization")]
    _authorization: Option<Authorization>,
}

#[derive(Deserialize)]
struct Authorization {
    #[serde(rename = "credentials_file")]
    _credentials_file: String,
}

#[derive(Deserialize)]
struct Static {
    targets: Vec<String>,
}

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let (config, mut findings) = typed::read::<Config>(tree, FILE);
    let Some(config) = config else { return findings };
    let mut wrong = Vec::new();
    let mut jobs = BTreeSet::new();
    for job in &config.scrape_configs {
        let name = &job.job_name;
        if !jobs.insert(name) {
            wrong.push(format!("`scrape_configs`: there are two jobs `{name}`"));
        }
        let targets = job.static_configs.iter().flat_map(|group| &group.targets);
        let lost = targets.filter_map(|target| compose.unreachable(SERVICE, target));
        wrong.extend(lost.map(|why| format!("`scrape_configs.{name}.targets`: {why}")));
    }
    let receivers = config.alerting.alertmanagers.iter().flat_map(|group| &group.static_configs);
    let targets = receivers.flat_map(|group| &group.targets);
    let lost = targets.filter_map(|target| compose.unreachable(SERVICE, target));
    wrong.extend(lost.map(|why| format!("`alerting.alertmanagers.targets`: {why}")));
    for glob in &config.rule_files {
        let (folder, names) = glob.rsplit_once('/').unwrap_or(("", glob));
        let extension = names.trim_start_matches("*.");
        let ours = match compose.inside(SERVICE, folder) {
            Inside::Ours(folder) => tree.below(&folder, extension).next().is_some(),
            _ => false,
        };
        if !ours {
            wrong.push(format!("`rule_files`: nothing is at `{glob}`"));
        }
    }
    findings.extend(wrong.into_iter().map(|what| Finding::about(FILE, what)));
    let command = compose.file.services.get(SERVICE).map_or(&[][..], |service| &service.command);
    let lacking = FLAGS.iter().filter(|(flag, _)| !command.iter().any(|word| word == flag));
    let lacking = lacking.map(|(flag, why)| format!("has no `{flag}`: {why}"));
    findings.extend(lacking.map(|what| compose.wrong(SERVICE, "command", &what)));
    findings
}
