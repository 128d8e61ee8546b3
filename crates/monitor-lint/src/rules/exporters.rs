//! Metrics of exporters that nothing scrapes.

use std::collections::BTreeSet;

use crate::catalogue::{Exporter, exporter_of};
use crate::finding::{Report, Rule};
use crate::query::selectors;
use crate::source::{Kind, Node, Setup};

pub(super) const EXPORTER_NOT_SCRAPED: Rule =
    Rule::error("exporter-not-scraped", "nothing scrapes the exporter of a metric");

/// Only said where the whole of a configuration is there, and names all of its targets.
pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    let configs: Vec<&Node> = setup.of_kind(Kind::Prometheus).map(|config| &config.node).collect();
    let is_whole = configs
        .iter()
        .any(|node| node.get("global").is_some() && node.get("scrape_configs").is_some());
    let jobs = || configs.iter().flat_map(|node| node.list("scrape_configs"));
    let is_discovered = jobs().any(|job| job.get("static_configs").is_none());
    let is_elsewhere = configs.iter().any(|node| {
        ["scrape_config_files", "remote_read"].iter().any(|name| node.get(name).is_some())
    });
    if !is_whole
        || is_discovered
        || is_elsewhere
        || setup.of_kind(Kind::Kubernetes).next().is_some()
    {
        return;
    }
    let mut said: BTreeSet<(usize, &str)> = BTreeSet::new();
    for (index, query) in setup.queries.iter().enumerate().filter(|(_, query)| query.is_alert()) {
        for selector in query.promql().map(selectors).unwrap_or_default() {
            let Some(exporter) = exporter_of(selector.name()) else { continue };
            if jobs().any(|job| is_of(exporter, job)) || !said.insert((index, exporter.name)) {
                continue;
            }
            let name = selector.name();
            let why = format!(
                "{name} comes from {}, and no job of the configuration scrapes one: there is never a result",
                exporter.name
            );
            let better = format!("a job with its target, port {}", exporter.port);
            report.query(&EXPORTER_NOT_SCRAPED, query, name, why, better);
        }
    }
}

/// By its port, or by the names that people give to its job and its host.
fn is_of(exporter: &Exporter, job: &Node) -> bool {
    let is_named = |text: &str| exporter.words.iter().any(|word| text.contains(word));
    let targets = job.list("static_configs").iter().flat_map(|one| one.list("targets"));
    let mut addresses = targets.filter_map(Node::text);
    is_named(job.text_of("job_name").unwrap_or_default())
        || addresses.any(|address| {
            let port = address.rsplit_once(':').map_or("", |(_, port)| port);
            port == exporter.port || is_named(address)
        })
}
