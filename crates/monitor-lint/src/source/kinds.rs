//! Whose file a document is, told by what is in it.

use super::node::Node;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Groups of rules, or rules without their group.
    Rules,
    Board,
    Prometheus,
    Alertmanager,
    Loki,
    Compose,
    Kubernetes,
    /// Datasources or providers of boards that Grafana is started with.
    Provisioning,
    /// Nothing that we know.
    Other,
}

/// Keys that only a configuration of Prometheus has at its top.
const OF_PROMETHEUS: [&str; 6] = [
    "scrape_configs",
    "rule_files",
    "alerting",
    "remote_write",
    "remote_read",
    "scrape_config_files",
];

/// Keys that only a configuration of Loki has at its top.
const OF_LOKI: [&str; 7] = [
    "schema_config",
    "limits_config",
    "storage_config",
    "ingester",
    "compactor",
    "ruler",
    "chunk_store_config",
];

impl Kind {
    pub(crate) fn of(node: &Node) -> Self {
        let has = |name: &str| node.get(name).is_some();
        if is_rules(node) || node.list("groups").iter().any(|group| group.get("rules").is_some()) {
            return Self::Rules;
        }
        if board(node).is_some() {
            return Self::Board;
        }
        if has("apiVersion") && has("kind") {
            return Self::Kubernetes;
        }
        if has("apiVersion") && (has("datasources") || has("providers")) {
            return Self::Provisioning;
        }
        // Unit tests of rules have rule_files, too.
        if has("tests") {
            return Self::Other;
        }
        if OF_LOKI.iter().any(|name| has(name)) {
            return Self::Loki;
        }
        let receivers = node.list("receivers");
        if has("route") && has("receivers") || receivers.iter().any(has_name) {
            return Self::Alertmanager;
        }
        if has("inhibit_rules") {
            return Self::Alertmanager;
        }
        let is_prometheus = OF_PROMETHEUS.iter().any(|name| has(name))
            || node.at(&["global", "scrape_interval"]).is_some()
            || node.at(&["storage", "tsdb"]).is_some();
        if is_prometheus {
            return Self::Prometheus;
        }
        let is_compose = node.get("services").is_some_and(Node::is_map)
            || node.at(&["logging", "driver"]).is_some();
        if is_compose { Self::Compose } else { Self::Other }
    }
}

/// The board in a document, which may be wrapped as Grafana's API wants it.
pub(crate) fn board(node: &Node) -> Option<&Node> {
    let inner = node.get("dashboard").unwrap_or(node);
    let has_panels = inner.get("panels").is_some_and(|panels| !panels.is_map());
    (has_panels || inner.get("rows").is_some() && inner.get("title").is_some()).then_some(inner)
}

fn is_rules(node: &Node) -> bool {
    let is_rule = |item: &Node| {
        item.get("alert").or(item.get("record")).is_some() && item.get("expr").is_some()
    };
    !node.items().is_empty() && node.items().iter().all(is_rule)
}

fn has_name(receiver: &Node) -> bool {
    receiver.get("name").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_told_by_what_is_in_it() {
        for (text, expected) in [
            ("groups: [{name: a, rules: [{alert: A, expr: up}]}]", Kind::Rules),
            ("- {alert: A, expr: up}", Kind::Rules),
            ("dashboard: {panels: []}", Kind::Board),
            ("{title: A, panels: []}", Kind::Board),
            ("{apiVersion: v1, kind: Pod}", Kind::Kubernetes),
            ("{apiVersion: 1, datasources: []}", Kind::Provisioning),
            ("{rule_files: [a.yaml], tests: []}", Kind::Other),
            ("scrape_configs: []", Kind::Prometheus),
            ("storage: {tsdb: {a: b}}", Kind::Prometheus),
            ("{route: {receiver: a}, receivers: [{name: a}]}", Kind::Alertmanager),
            ("{receivers: {otlp: {}}, exporters: {}}", Kind::Other),
            ("limits_config: {retention_period: 30d}", Kind::Loki),
            ("services: {a: {image: b}}", Kind::Compose),
            ("logging: {driver: loki}", Kind::Compose),
            ("a: b", Kind::Other),
        ] {
            let node = &Node::documents(text).expect("YAML")[0];
            assert_eq!(Kind::of(node), expected, "{text}");
        }
    }
}
