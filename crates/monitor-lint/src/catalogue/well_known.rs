//! What is known of the exporters that everybody uses: kinds, labels, what a zero means, ports.

use std::collections::BTreeSet;

use super::Kind;

/// An exporter: how its metrics begin, and how a target of it is recognised.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exporter {
    pub(crate) name: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) port: &'static str,
    /// What people call its job or its host.
    pub(crate) words: &'static [&'static str],
}

const EXPORTERS: &[Exporter] = &[
    Exporter { name: "node_exporter", prefix: "node_", port: "9100", words: &["node"] },
    Exporter {
        name: "postgres_exporter",
        prefix: "pg_",
        port: "9187",
        words: &["pg", "postgres", "database"],
    },
    Exporter {
        name: "redis_exporter",
        prefix: "redis_",
        port: "9121",
        words: &["redis", "valkey", "cache"],
    },
    Exporter {
        name: "cAdvisor",
        prefix: "container_",
        port: "8080",
        words: &["cadvisor", "container", "docker", "kubelet"],
    },
    Exporter {
        name: "mysqld_exporter",
        prefix: "mysql_",
        port: "9104",
        words: &["mysql", "mariadb", "database"],
    },
];

/// Gauges that names do not give away, by the beginning of their names.
const GAUGES: &[&str] = &[
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_memory_rss",
    "container_spec_",
    "go_goroutines",
    "node_filesystem_avail_bytes",
    "node_filesystem_free_bytes",
    "node_filesystem_size_bytes",
    "node_load",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_MemTotal_bytes",
    "pg_database_size_bytes",
    "pg_settings_",
    "pg_stat_activity_count",
    "pg_up",
    "process_open_fds",
    "process_resident_memory_bytes",
    "redis_connected_clients",
    "redis_memory_max_bytes",
    "redis_memory_used_bytes",
    "redis_up",
];

/// Counters whose exporters have always called them so.
const COUNTERS: &[&str] =
    &["container_cpu_usage_seconds_total", "node_cpu_seconds_total", "process_cpu_seconds_total"];

/// Labels beside those of the target, where they are the same in every version.
const LABELS: &[(&str, &[&str])] = &[
    ("node_memory_", &[]),
    ("node_load", &[]),
    ("node_filesystem_", &["device", "fstype", "mountpoint", "device_error"]),
    ("node_cpu_seconds_total", &["cpu", "mode"]),
    ("pg_settings_", &["server"]),
    (
        "pg_stat_activity_count",
        &[
            "application_name",
            "backend_type",
            "datname",
            "server",
            "state",
            "usename",
            "wait_event",
            "wait_event_type",
        ],
    ),
    ("redis_memory_", &[]),
    ("redis_connected_clients", &[]),
];

/// Limits that are 0 where none is set, so that a share of them is infinite.
const ZERO_WITHOUT_LIMIT: &[&str] = &[
    "container_spec_memory_limit_bytes",
    "container_spec_memory_swap_limit_bytes",
    "container_spec_cpu_quota",
    "redis_memory_max_bytes",
    "redis_config_maxmemory",
    "redis_maxmemory",
];

pub(super) fn kind(series: &str) -> Option<Kind> {
    let is_gauge = series == "up" || GAUGES.iter().any(|start| series.starts_with(start));
    let is_counter = COUNTERS.contains(&series);
    is_gauge.then_some(Kind::Gauge).or(is_counter.then_some(Kind::Counter))
}

pub(super) fn labels(series: &str) -> Option<BTreeSet<String>> {
    let (_, labels) = LABELS.iter().find(|(start, _)| series.starts_with(start))?;
    Some(labels.iter().map(|label| (*label).to_owned()).collect())
}

pub(crate) fn is_zero_without_limit(series: &str) -> bool {
    ZERO_WITHOUT_LIMIT.contains(&series)
}

/// The exporter that a series comes from, when its name says so.
pub(crate) fn exporter_of(series: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|exporter| series.starts_with(exporter.prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_deceive() {
        assert_eq!(kind("pg_stat_activity_count"), Some(Kind::Gauge));
        assert_eq!(kind("http_requests_total"), None);
        assert_eq!(exporter_of("node_load1").map(|exporter| exporter.port), Some("9100"));
    }
}
