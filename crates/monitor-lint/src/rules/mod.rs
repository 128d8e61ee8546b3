//! The rules, in families: each file knows one kind of mistake.

mod alertmanager;
mod alerts;
mod boards;
mod commands;
mod compose;
mod exporters;
mod histograms;
mod kubernetes;
mod loki;
mod metrics;
mod prometheus;
mod rates;
mod ratios;
mod secrets;
mod syntax;

use crate::finding::{Report, Rule};
use crate::source::Setup;

/// An exception that says nothing, or of which nothing comes.
pub(crate) const ALLOW_WITHOUT_REASON: Rule =
    Rule::error("allow-without-reason", "an exception does not say why");
pub(crate) const ALLOW_UNUSED: Rule =
    Rule::warning("allow-unused", "an exception allows what nobody does");

/// Every rule.
pub const RULES: &[&Rule] = &[
    &syntax::UNREADABLE,
    &syntax::QUERY_SYNTAX,
    &syntax::LOGQL_IN_PROMETHEUS,
    &syntax::LOGQL_TIME,
    &metrics::UNKNOWN_METRIC,
    &metrics::UNKNOWN_LABEL,
    &metrics::UNKNOWN_VALUE,
    &metrics::MATCHERS_CONTRADICT,
    &rates::RATE_OF_GAUGE,
    &rates::DELTA_OF_COUNTER,
    &rates::COUNTER_AS_GAUGE,
    &rates::WINDOW_TOO_SHORT,
    &rates::RATE_INTERVAL,
    &histograms::QUANTILE_OF_EACH,
    &histograms::QUANTILE_WITHOUT_LE,
    &histograms::QUANTILE_THRESHOLD,
    &ratios::RATIO_OF_ITSELF,
    &ratios::LABELS_NEVER_MATCH,
    &ratios::LIMIT_ZERO,
    &ratios::DIVISION_UNGUARDED,
    &ratios::ABSOLUTE_THRESHOLD,
    &alerts::FIRES_WHEN_IDLE,
    &alerts::ALERT_WITHOUT_CONDITION,
    &alerts::UP_WITHOUT_ABSENT,
    &alerts::INVERTED_SEVERITIES,
    &alerts::LABEL_LOST,
    &alertmanager::SEVERITY_WITHOUT_ROUTE,
    &alertmanager::INHIBITION_NEVER_MATCHES,
    &alertmanager::UNKNOWN_RECEIVER,
    &alertmanager::DEPRECATED_KEY,
    &prometheus::RULES_NOT_LOADED,
    &prometheus::NO_ALERTMANAGER,
    &prometheus::TARGET_NOT_METRICS,
    &prometheus::PROMETHEUS_KEY,
    &prometheus::RELABEL_NEVER_MATCHES,
    &prometheus::UNKNOWN_JOB,
    &exporters::EXPORTER_NOT_SCRAPED,
    &kubernetes::MONITOR_SELECTS_NOTHING,
    &loki::RETENTION_NOT_ENABLED,
    &loki::RETENTION_SHADOWED,
    &loki::REFUSED_KEY,
    &loki::LOKI_DRIVER_HOST,
    &loki::LOG_LABEL,
    &boards::BOARD_WRAPPED,
    &boards::PANEL_REMOVED,
    &boards::PANEL_TITLE,
    &boards::PANEL_DESCRIPTION,
    &boards::PANEL_UNIT,
    &boards::PANEL_DATASOURCE,
    &boards::TITLE_MISLEADS,
    &compose::PUBLISHED_PORT,
    &compose::NODE_EXPORTER_ROOT,
    &compose::SCRAPE_HINT_UNREAD,
    &secrets::PLACEHOLDER,
    &secrets::DEFAULT_PASSWORD,
    &commands::CURL_GLOBBING,
    &ALLOW_WITHOUT_REASON,
    &ALLOW_UNUSED,
];

const FAMILIES: &[fn(&Setup<'_>, &mut Report)] = &[
    syntax::check,
    metrics::check,
    rates::check,
    histograms::check,
    ratios::check,
    alerts::check,
    alertmanager::check,
    prometheus::check,
    exporters::check,
    kubernetes::check,
    loki::check,
    boards::check,
    compose::check,
    secrets::check,
    commands::check,
];

pub(crate) fn check(setup: &Setup<'_>, report: &mut Report) {
    for family in FAMILIES {
        family(setup, report);
    }
}

/// The rule of this name.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}
