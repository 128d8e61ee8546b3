//! Configurations of Loki, and the driver that ships the logs of containers there.

use crate::finding::{Report, Rule};
use crate::logql::{LogExpression, LogMatcher};
use crate::source::{Document, Kind, Node, Setup};

pub(super) const RETENTION_NOT_ENABLED: Rule =
    Rule::error("retention-not-enabled", "a retention is set, and nothing deletes");
pub(super) const RETENTION_SHADOWED: Rule = Rule::warning(
    "retention-shadowed",
    "a retention for every stream takes the place of the general one",
);
pub(super) const REFUSED_KEY: Rule =
    Rule::error("refused-key", "current versions refuse this, and do not start");
pub(super) const LOKI_DRIVER_HOST: Rule =
    Rule::error("loki-driver-host", "the host does not know the name of a container");
pub(super) const LOG_LABEL: Rule =
    Rule::error("log-label", "no stream has the label that is asked for");

/// Keys that are gone, with the section that they were in.
const GONE: [(&str, &str, &str); 8] = [
    ("boltdb_shipper", "shared_store", "the object_store of schema_config says it since Loki 3.0"),
    ("tsdb_shipper", "shared_store", "the object_store of schema_config says it since Loki 3.0"),
    ("compactor", "shared_store", "compactor.delete_request_store since Loki 3.0"),
    ("limits_config", "enforce_metric_name", "leave it out: it is gone since Loki 3.0"),
    ("limits_config", "unordered_writes", "leave it out: all writes may be unordered"),
    ("ingester", "max_transfer_retries", "leave it out: it is gone since Loki 3.0"),
    ("chunk_store_config", "max_look_back_period", "limits_config.max_query_lookback"),
    (
        "table_manager",
        "retention_deletes_enabled",
        "compactor.retention_enabled: tables are managed for old stores only",
    ),
];

/// Labels that the driver of Docker gives each stream.
const OF_DRIVER: [&str; 8] = [
    "compose_project",
    "compose_service",
    "container_name",
    "filename",
    "host",
    "source",
    "stack_name",
    "swarm_service",
];

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for config in setup.of_kind(Kind::Loki) {
        retention(config, report);
        shadowed(config, report);
        refused(config, report);
    }
    for compose in setup.of_kind(Kind::Compose) {
        compose.node.walk("", &mut |name, node| {
            if name == "logging" && node.text_of("driver") == Some("loki") {
                driver(compose, node, report);
            }
        });
    }
    labels(setup, report);
}

fn retention(config: &Document<'_>, report: &mut Report) {
    let limits = config.node.get("limits_config");
    let Some((key, _)) = limits
        .and_then(|limits| limits.entry("retention_period").or(limits.entry("retention_stream")))
    else {
        return;
    };
    let is_enabled = config.node.at(&["compactor", "retention_enabled"]).and_then(Node::text);
    let by_tables =
        config.node.at(&["table_manager", "retention_deletes_enabled"]).and_then(Node::text);
    if is_enabled != Some("true") && by_tables != Some("true") {
        let why = "only the compactor deletes, and it does so where it is told to: without compactor.retention_enabled everything is kept for ever";
        report.at(
            &RETENTION_NOT_ENABLED,
            config.origin.of_key(key),
            why,
            "compactor: {retention_enabled: true, working_directory: …, delete_request_store: …}",
        );
    }
}

/// A selector that only demands labels to have some value is one of every stream that has them.
fn shadowed(config: &Document<'_>, report: &mut Report) {
    let Some(limits) = config.node.get("limits_config") else { return };
    let Some(general) = limits.text_of("retention_period") else { return };
    for stream in limits.list("retention_stream") {
        let (Some(selector), Some(period)) = (stream.get("selector"), stream.text_of("period"))
        else {
            continue;
        };
        let Ok(read) = LogExpression::parse(selector.text().unwrap_or_default()) else { continue };
        let is_any = |matcher: &LogMatcher| {
            matcher.operator == "=~" && [".+", ".*"].contains(&matcher.value.as_str())
        };
        let selects_all = read.pipelines.iter().all(|one| one.selector.iter().all(is_any));
        if selects_all && period != general {
            let why = format!(
                "every stream fulfils the selector, and is kept for {period}: the {general} of retention_period count for none"
            );
            let place = config.origin.of_node(selector);
            report.at(
                &RETENTION_SHADOWED,
                place,
                why,
                "one of the two; or a selector of fewer streams",
            );
        }
    }
}

fn refused(config: &Document<'_>, report: &mut Report) {
    config.node.walk("", &mut |section, node| {
        for (key, _) in node.entries() {
            if let Some((_, _, better)) = GONE.iter().find(|(of, name, _)| *of == section && *name == key.name) {
                let why = format!("{section}.{} is gone: current versions of Loki say \"field {0} not found\" and end", key.name);
                report.at(&REFUSED_KEY, config.origin.of_key(key), why, *better);
            }
        }
    });
    let allows_old =
        config.node.at(&["limits_config", "allow_structured_metadata"]).and_then(Node::text)
            == Some("false");
    let periods = config.node.at(&["schema_config", "configs"]).map_or(&[][..], Node::items);
    let Some(last) = periods.last().filter(|_| !allows_old) else { return };
    let is_old = |schema: &str| {
        schema.trim_start_matches('v').parse::<u32>().is_ok_and(|number| number < 13)
    };
    if let Some(schema) = last.get("schema").filter(|node| node.text().is_some_and(is_old)) {
        let why = format!(
            "Loki 3 keeps structured metadata, which {} cannot, and does not start",
            schema.text().unwrap_or_default()
        );
        report.at(&REFUSED_KEY, config.origin.of_node(schema), why, "a period with store: tsdb and schema: v13 from tomorrow on, or limits_config: {allow_structured_metadata: false}");
    }
}

/// The driver is a part of the Docker daemon, which is in no network of a compose file.
fn driver(compose: &Document<'_>, logging: &Node, report: &mut Report) {
    let Some(url) = logging.at(&["options", "loki-url"]) else { return };
    let text = url.text().unwrap_or_default();
    let host = text.split("://").nth(1).unwrap_or_default().rsplit('@').next().unwrap_or_default();
    let host = host.split([':', '/']).next().unwrap_or_default();
    if !host.is_empty() && !host.contains('.') && host != "localhost" && !host.contains('$') {
        let why = format!(
            "the driver runs in the Docker daemon, outside of the networks of containers: it does not find {host}, and ships nothing"
        );
        report.at(&LOKI_DRIVER_HOST, compose.origin.of_node(url), why, "publish Loki on 127.0.0.1 and ship to http://localhost:3100, or collect the files with Alloy");
    }
}

/// Where the driver is all that ships, streams have its labels and those that it is told to give.
fn labels(setup: &Setup<'_>, report: &mut Report) {
    let drivers: Vec<&Node> = drivers(setup);
    let gives = |name: &str| {
        drivers.iter().any(|one| {
            let options = one.get("options");
            let text =
                |key: &str| options.and_then(|options| options.text_of(key)).unwrap_or_default();
            text("loki-external-labels").contains(name)
                || !text("loki-relabel-config").is_empty()
                || !text("loki-pipeline-stages").is_empty()
                || !text("loki-pipeline-stage-file").is_empty()
                || text("labels").contains(name)
                || text("env").contains(name)
        })
    };
    if drivers.is_empty() || ships_otherwise(setup) {
        return;
    }
    for query in &setup.queries {
        let Some(expression) = query.logql() else { continue };
        for matcher in expression.pipelines.iter().flat_map(|one| &one.selector) {
            let label = matcher.label.as_str();
            if !OF_DRIVER.contains(&label) && !gives(label) && matcher.operator == "=" {
                let why = format!(
                    "the driver that ships the lines gives no label {label}: no stream is selected"
                );
                let better = format!(
                    "compose_service=\"{}\", or loki-external-labels: {label}=…",
                    matcher.value
                );
                report.query(&LOG_LABEL, query, label, why, better);
            }
        }
    }
}

/// Whether something else than the driver may ship lines, with labels of its own.
fn ships_otherwise(setup: &Setup<'_>) -> bool {
    const SHIPPERS: [&str; 6] = ["promtail", "alloy", "fluent", "vector", "otel", "logstash"];
    let services = setup
        .of_kind(Kind::Compose)
        .flat_map(|compose| compose.node.get("services").into_iter().flat_map(Node::entries));
    let mut images = services.filter_map(|(_, service)| service.text_of("image"));
    images.any(|image| SHIPPERS.iter().any(|name| image.contains(name)))
}

fn drivers<'s>(setup: &'s Setup<'_>) -> Vec<&'s Node> {
    let mut found = Vec::new();
    for compose in setup.of_kind(Kind::Compose) {
        compose.node.walk("", &mut |name, node| {
            if name == "logging" && node.text_of("driver") == Some("loki") {
                found.push(node);
            }
        });
    }
    found
}
