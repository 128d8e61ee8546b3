//! Compose files: what of the monitoring everybody can reach, and what it sees of the host.

use super::alertmanager::DEPRECATED_KEY;
use super::boards::{PANEL_REMOVED, REMOVED};
use crate::finding::{Fix, Report, Rule};
use crate::source::{Document, Kind, Node, Setup};

pub(super) const PUBLISHED_PORT: Rule =
    Rule::warning("published-port", "anyone who reaches the machine reaches its monitoring");
pub(super) const NODE_EXPORTER_ROOT: Rule = Rule::error(
    "node-exporter-root",
    "the file systems of a container are taken for those of the host",
);
pub(super) const SCRAPE_HINT_UNREAD: Rule =
    Rule::warning("scrape-hint-unread", "nothing reads the hint that something is to be scraped");

/// Words in the names of images of monitoring, and whether it asks for a password.
const MONITORING: [&str; 9] = [
    "alertmanager",
    "cadvisor",
    "exporter",
    "grafana/grafana",
    "grafana/loki",
    "grafana/alloy",
    "prom/prometheus",
    "pushgateway",
    "victoria-metrics",
];

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for compose in setup.of_kind(Kind::Compose) {
        version(compose, report);
        for (_, service) in compose.node.get("services").into_iter().flat_map(Node::entries) {
            ports(compose, service, report);
            root(compose, service, report);
            plugins(compose, service, report);
        }
    }
    hints(setup, report);
}

/// Compose has had one format for years, and reads the key only to say so.
fn version(compose: &Document<'_>, report: &mut Report) {
    if let Some((key, _)) = compose.node.entry("version") {
        let why = "version is obsolete: Compose ignores it, and warns of it at each start";
        report.at(&DEPRECATED_KEY, compose.origin.of_key(key), why, "leave it out").fix =
            Some(Fix::RemoveLine);
    }
}

/// Plugins that were written with Angular no longer run.
fn plugins(compose: &Document<'_>, service: &Node, report: &mut Report) {
    let Some(plugins) = service.at(&["environment", "GF_INSTALL_PLUGINS"]) else { return };
    let named = plugins.text().unwrap_or_default();
    if let Some((old, new)) = REMOVED.iter().find(|(old, _)| named.contains(old)) {
        let why =
            format!("the plugin {old} was written with Angular, which Grafana 12 does not run");
        let place = compose.origin.of_node(plugins);
        report.at(&PANEL_REMOVED, place, why, format!("leave it out: {new} is part of Grafana"));
    }
}

fn ports(compose: &Document<'_>, service: &Node, report: &mut Report) {
    let image = service.text_of("image").unwrap_or_default();
    let is_monitoring = MONITORING.iter().any(|name| image.contains(name));
    let metrics = hinted_port(service);
    let has_lifecycle = arguments(service).any(|text| text.starts_with("--web.enable-lifecycle"));
    for port in service.list("ports") {
        let Some(text) = port.text() else { continue };
        let parts: Vec<&str> = text.split('/').next().unwrap_or_default().split(':').collect();
        // With an address before it, it is not for everybody, unless the address is everybody's.
        let [.., _, inner] = parts[..] else { continue };
        let address =
            if parts.len() > 2 { parts[..parts.len() - 2].join(":") } else { String::new() };
        let is_open = ["", "0.0.0.0", "[::]"].contains(&address.as_str());
        let is_metrics = metrics.as_deref() == Some(inner);
        if is_open && (is_monitoring || is_metrics) {
            let more =
                if has_lifecycle { ", and, by --web.enable-lifecycle, may stop it" } else { "" };
            let why = format!(
                "port {inner} is published on all addresses, past most firewalls of the host: whoever reaches it reads it{more}"
            );
            report.at(
                &PUBLISHED_PORT,
                compose.origin.of_node(port),
                why,
                format!("\"127.0.0.1:{text}\", and a proxy with a password and TLS before it"),
            );
        }
    }
}

/// What a label or the environment calls the port of metrics.
fn hinted_port(service: &Node) -> Option<String> {
    let labels = service.get("labels")?;
    let in_list = labels
        .items()
        .iter()
        .filter_map(Node::text)
        .find_map(|text| text.strip_prefix("prometheus.io/port=").map(str::to_owned));
    in_list.or_else(|| labels.text_of("prometheus.io/port").map(str::to_owned))
}

fn arguments(service: &Node) -> impl Iterator<Item = &str> {
    let command = service.get("command");
    let alone = command.and_then(Node::text).into_iter().flat_map(str::split_whitespace);
    command.into_iter().flat_map(|command| command.items()).filter_map(Node::text).chain(alone)
}

fn root(compose: &Document<'_>, service: &Node, report: &mut Report) {
    let image = service.text_of("image").unwrap_or_default();
    if !image.contains("node-exporter") && !image.contains("node_exporter") {
        return;
    }
    let has_root = arguments(service).any(|text| text.starts_with("--path.rootfs"));
    let mounted = service.list("volumes").iter().find(|volume| {
        volume.text().is_some_and(|text| text.starts_with("/:") && !text.starts_with("/::"))
    });
    if let Some(volume) = mounted.filter(|_| !has_root) {
        let inside = volume.text().unwrap_or_default().split(':').nth(1).unwrap_or_default();
        let why = format!(
            "the root of the host is mounted at {inside}, and node_exporter is not told: mountpoint=\"/\" is the container"
        );
        report.at(
            &NODE_EXPORTER_ROOT,
            compose.origin.of_node(volume),
            why,
            format!("--path.rootfs={inside} among its arguments"),
        );
    }
}

/// Labels and annotations are read by discovery with rules of relabelling, and by nothing else.
fn hints(setup: &Setup<'_>, report: &mut Report) {
    let mut configs = setup.of_kind(Kind::Prometheus).peekable();
    if configs.peek().is_none() {
        return;
    }
    let discoveries: Vec<String> = configs
        .flat_map(|config| config.node.list("scrape_configs"))
        .flat_map(Node::entries)
        .map(|(key, _)| key.name.clone())
        .collect();
    let discovers = |name: &str| discoveries.iter().any(|known| known == name);
    if !discovers("docker_sd_configs") && !discovers("dockerswarm_sd_configs") {
        of_kind(setup, Kind::Compose, "docker_sd_configs", report);
    }
    if !discovers("kubernetes_sd_configs") {
        of_kind(setup, Kind::Kubernetes, "kubernetes_sd_configs", report);
    }
}

fn of_kind(setup: &Setup<'_>, kind: Kind, discovery: &str, report: &mut Report) {
    for document in setup.of_kind(kind) {
        document.node.walk("", &mut |_, node| {
            let in_map = node.entry("prometheus.io/scrape").map(|(key, _)| document.origin.of_key(key));
            let is_hint = |one: &&Node| {
                one.text().is_some_and(|text| text.starts_with("prometheus.io/scrape="))
            };
            let in_list = node.items().iter().find(is_hint).map(|one| document.origin.of_node(one));
            if let Some(place) = in_map.or(in_list) {
                let why = format!(
                    "Prometheus reads it only where it has {discovery} and rules of relabelling for it; no job here has"
                );
                let better = format!("static_configs with the name of the service, or {discovery}");
                report.at(&SCRAPE_HINT_UNREAD, place, why, better);
            }
        });
    }
}
