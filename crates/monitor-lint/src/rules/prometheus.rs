//! Configurations of Prometheus: what is scraped, what is loaded, whom it tells.

use std::time::Duration;

use promql_parser::util::parse_duration;

use crate::finding::{Report, Rule};
use crate::source::{Document, Kind, Node, Setup};

pub(super) const RULES_NOT_LOADED: Rule =
    Rule::error("rules-not-loaded", "no configuration loads the rules");
pub(super) const NO_ALERTMANAGER: Rule =
    Rule::error("no-alertmanager", "Prometheus tells nobody of its alerts");
pub(super) const TARGET_NOT_METRICS: Rule =
    Rule::error("target-not-metrics", "a target does not answer with metrics");
pub(super) const PROMETHEUS_KEY: Rule =
    Rule::error("prometheus-key", "Prometheus has no such key, and does not start");
pub(super) const RELABEL_NEVER_MATCHES: Rule =
    Rule::error("relabel-never-matches", "a rule of relabelling never matches");
pub(super) const UNKNOWN_JOB: Rule = Rule::error("unknown-job", "no scrape job has this name");

/// Ports on which something else than HTTP is spoken.
const OTHER_PORTS: [(&str, &str, &str); 8] = [
    ("5432", "PostgreSQL", "postgres_exporter, port 9187"),
    ("6379", "Redis", "redis_exporter, port 9121"),
    ("3306", "MySQL", "mysqld_exporter, port 9104"),
    ("27017", "MongoDB", "mongodb_exporter, port 9216"),
    ("11211", "memcached", "memcached_exporter, port 9150"),
    ("9092", "Kafka", "kafka_exporter, port 9308"),
    ("5672", "AMQP", "the plugin rabbitmq_prometheus, port 15692"),
    ("2181", "ZooKeeper", "its metrics provider, port 7000"),
];

const TOP_KEYS: [&str; 12] = [
    "global",
    "runtime",
    "rule_files",
    "scrape_config_files",
    "scrape_configs",
    "alerting",
    "remote_write",
    "remote_read",
    "storage",
    "tracing",
    "otlp",
    "x-anchors",
];

const TSDB_KEYS: [&str; 4] =
    ["out_of_order_time_window", "retention", "stale_series_compaction_threshold", "head_chunks"];

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for config in setup.of_kind(Kind::Prometheus) {
        keys(config, report);
        for job in config.node.list("scrape_configs") {
            targets(config, job, report);
            for rule in job.list("relabel_configs").iter().chain(job.list("metric_relabel_configs"))
            {
                relabelling(config, rule, report);
            }
        }
    }
    for other in setup.of_kind(Kind::Other) {
        flag(other, report);
    }
    whole(setup, report);
}

/// The shortest interval at which anything is scraped, where the setup says one: which job a query is
/// about is not known.
pub(super) fn scrape_interval(setup: &Setup<'_>) -> Option<Duration> {
    let duration = |node: &Node, name: &str| parse_duration(node.text_of(name)?).ok();
    let mut found = Vec::new();
    for config in setup.of_kind(Kind::Prometheus) {
        let default = config.node.get("global").and_then(|node| duration(node, "scrape_interval"));
        let jobs = config.node.list("scrape_configs").iter();
        found.extend(jobs.filter_map(|job| duration(job, "scrape_interval").or(default)));
    }
    found.into_iter().min()
}

fn keys(config: &Document<'_>, report: &mut Report) {
    for (key, _) in config.node.entries() {
        if !TOP_KEYS.contains(&key.name.as_str()) {
            let why = format!("{} is no key of a configuration of Prometheus", key.name);
            report.at(
                &PROMETHEUS_KEY,
                config.origin.of_key(key),
                why,
                "leave it out, or put it where it belongs",
            );
        }
    }
    let tsdb = config.node.at(&["storage", "tsdb"]);
    for (key, _) in tsdb.into_iter().flat_map(Node::entries) {
        if TSDB_KEYS.contains(&key.name.as_str()) {
            continue;
        }
        let better = match key.name.strip_prefix("retention.") {
            Some(what) => format!(
                "the flag --storage.tsdb.retention.{what}=…; newer versions also read storage: {{tsdb: {{retention: {{{what}: …}}}}}}"
            ),
            None => "leave it out, or put it where it belongs".to_owned(),
        };
        let why =
            format!("storage.tsdb has no key {}: Prometheus does not start with it", key.name);
        report.at(&PROMETHEUS_KEY, config.origin.of_key(key), why, better);
    }
}

/// A flag that stands in a block of YAML, as if it belonged into the configuration.
fn flag(document: &Document<'_>, report: &mut Report) {
    let text = document.node.text().unwrap_or_default();
    if text.starts_with("--storage.") || text.starts_with("--web.") || text.starts_with("--config.")
    {
        let why = "this is a flag of the command line, and no part of a configuration";
        report.at(
            &PROMETHEUS_KEY,
            document.origin.of_node(&document.node),
            why,
            "give it where Prometheus is started: command: in a compose file",
        );
    }
}

fn targets(config: &Document<'_>, job: &Node, report: &mut Report) {
    let path = job.text_of("metrics_path").unwrap_or("/metrics");
    if let Some(node) = job.get("metrics_path").filter(|_| path.ends_with("/stats")) {
        let why = format!(
            "{path} is HAProxy's page for people: it answers with HTML, or CSV, whatever parameters it is given"
        );
        report.at(&TARGET_NOT_METRICS, config.origin.of_node(node), why, "http-request use-service prometheus-exporter if { path /metrics } in HAProxy, and metrics_path: /metrics");
    }
    for target in job.list("static_configs").iter().flat_map(|one| one.list("targets")) {
        let address = target.text().unwrap_or_default();
        let port = address.rsplit_once(':').map_or("", |(_, port)| port);
        if let Some((_, what, exporter)) = OTHER_PORTS.iter().find(|(other, _, _)| *other == port) {
            let why = format!(
                "port {port} speaks the protocol of {what}, not HTTP: the target is always down"
            );
            report.at(
                &TARGET_NOT_METRICS,
                config.origin.of_node(target),
                why,
                format!("an exporter beside it: {exporter}"),
            );
        }
    }
}

/// Values of several labels are joined by a separator, which a single one has not.
fn relabelling(config: &Document<'_>, rule: &Node, report: &mut Report) {
    let Some(pattern) = rule.get("regex") else { return };
    let labels = rule.list("source_labels");
    let separator = rule.text_of("separator").unwrap_or(";");
    let text = pattern.text().unwrap_or_default();
    let needs = !separator.is_empty() && needs_literal(text, separator);
    let action = rule.text_of("action").unwrap_or("replace");
    if labels.len() == 1 && needs && ["replace", "keep", "drop"].contains(&action) {
        let label = labels[0].text().unwrap_or_default();
        let why = format!(
            "{label} alone is matched, and the pattern demands a {separator}, which stands between the values of two labels"
        );
        let place = config.origin.of_node(pattern);
        report.at(
            &RELABEL_NEVER_MATCHES,
            place,
            why,
            format!("source_labels: [__address__, {label}]"),
        );
    }
}

/// Whether every text that the pattern matches has the separator in it.
fn needs_literal(pattern: &str, separator: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_class = false;
    let mut escaped = false;
    let mut rest = pattern;
    let mut found = false;
    while let Some(letter) = rest.chars().next() {
        if escaped {
            escaped = false;
        } else {
            match letter {
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '(' if !in_class => depth += 1,
                ')' if !in_class => depth = depth.saturating_sub(1),
                '|' if !in_class && depth == 0 => return false,
                _ => {}
            }
            let after = rest.strip_prefix(separator);
            let is_optional = after.is_some_and(|after| after.starts_with(['?', '*', '{']));
            found |= after.is_some() && !is_optional && !in_class && depth == 0;
        }
        rest = &rest[letter.len_utf8()..];
    }
    found
}

/// What can only be said where the whole of a configuration is there: it has its `global` part.
fn whole(setup: &Setup<'_>, report: &mut Report) {
    let is_whole = |config: &&Document<'_>| {
        config.node.get("global").is_some() && config.node.get("scrape_configs").is_some()
    };
    let configs: Vec<&Document<'_>> = setup.of_kind(Kind::Prometheus).filter(is_whole).collect();
    let has =
        |name: &str| setup.of_kind(Kind::Prometheus).any(|config| config.node.get(name).is_some());
    let has_alerts = setup
        .rules
        .iter()
        .any(|rule| rule.alert().is_some() && setup.queries[rule.query].logql().is_none());
    let Some(config) = configs.first().filter(|_| has_alerts) else { return };
    let place = config
        .node
        .entry("scrape_configs")
        .map_or(config.origin.of_node(&config.node), |(key, _)| config.origin.of_key(key));
    if !has("rule_files") {
        let why =
            "there are rules, and this configuration has no rule_files: none of them is evaluated";
        report.at(&RULES_NOT_LOADED, place, why, "rule_files: [/etc/prometheus/rules/*.yaml]");
    }
    let has_receivers = setup.of_kind(Kind::Alertmanager).next().is_some();
    if !has("alerting") && has_receivers {
        let why = "there are alerts and an Alertmanager, and this configuration has no alerting: nobody hears of them";
        report.at(
            &NO_ALERTMANAGER,
            place,
            why,
            "alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}",
        );
    }
    jobs(setup, report);
}

/// Alerts that ask whether a job is up that nothing scrapes.
fn jobs(setup: &Setup<'_>, report: &mut Report) {
    let configs: Vec<_> = setup.of_kind(Kind::Prometheus).collect();
    let named: Vec<&str> = configs
        .iter()
        .flat_map(|config| config.node.list("scrape_configs"))
        .filter_map(|job| job.text_of("job_name"))
        .collect();
    let text_has_job = |text: &str| text.contains("target_label: job") || text.contains("job:");
    let may_be_set = configs.iter().any(|config| {
        text_has_job(&config.origin.file.text) || config.node.get("scrape_config_files").is_some()
    });
    if may_be_set || setup.of_kind(Kind::Kubernetes).next().is_some() {
        return;
    }
    for query in setup.queries.iter().filter(|query| query.is_alert()) {
        let Some(expression) = query.promql() else { continue };
        for selector in crate::query::selectors(expression).iter().filter(|one| one.name() == "up")
        {
            let asked = selector
                .matchers()
                .find(|one| one.name == "job" && one.op == promql_parser::label::MatchOp::Equal);
            let Some(job) = asked.filter(|one| !named.contains(&one.value.as_str())) else {
                continue;
            };
            let why = format!(
                "nothing is scraped under the job {}: there is no such up, and the alert never rings",
                job.value
            );
            report.query(
                &UNKNOWN_JOB,
                query,
                &job.value,
                why,
                format!("one of {}", named.join(", ")),
            );
        }
    }
}
