//! Every metric that the program declares is moved by what it stands for, by exactly as much as
//! happened.
//!
//! A case says which metrics it moves, and fails when it did not look at one of them. To cover a new
//! metric, add a case to the file of its group; if another test program moves it, name that program
//! in [`ELSEWHERE`].

#[path = "../support/mod.rs"]
mod support;
#[path = "../../../loki/tests/stand_in/mod.rs"]
mod stand_in;

mod scene;

mod archive;
mod auth;
mod channel;
mod connection;
mod ending;
mod http;
mod limits;
mod message;
mod neighbours;
mod prekey;
mod presence;
mod process;
mod push;
mod room;
mod scrape;
mod shipper;
mod unmoved;
mod upload;
mod webhook;

use campanile_metrics::Kind;
use campanile_server::catalogue;
use scene::{Declared, Moves};
use std::{collections::BTreeSet, fs, path::Path};

/// The cases of each group.
const CASES: &[&[Moves]] = &[
    archive::CASES,
    auth::CASES,
    channel::CASES,
    connection::CASES,
    ending::CASES,
    http::CASES,
    limits::CASES,
    message::CASES,
    neighbours::CASES,
    prekey::CASES,
    presence::CASES,
    process::CASES,
    push::CASES,
    room::CASES,
    scrape::CASES,
    shipper::CASES,
    upload::CASES,
    webhook::CASES,
];

/// Metrics that tests of other crates or programs move, each with the file of the test.
const ELSEWHERE: &[(&str, &str)] = &[
    // A reader is held up there, which nobody can do from outside.
    ("chat_storage_pool_connections", "adapter-sqlite/tests/metrics.rs"),
    ("chat_storage_pool_pending_requests", "adapter-sqlite/tests/metrics.rs"),
    ("chat_storage_pool_timeouts_total", "adapter-sqlite/tests/metrics.rs"),
    ("chat_archive_write_queue_messages", "adapter-sqlite/tests/metrics.rs"),
    // A cache, which a single node has none of.
    ("chat_cache_hits_total", "adapter-memory/tests/decorated.rs"),
    ("chat_cache_misses_total", "adapter-memory/tests/decorated.rs"),
    ("chat_cache_operations_total", "adapter-memory/tests/decorated.rs"),
    ("chat_cache_operation_duration_seconds", "adapter-memory/tests/decorated.rs"),
    // Neighbours that a single node has none of.
    ("chat_storage_connects_total", "adapter-postgres/tests/metrics.rs"),
    ("chat_storage_sqlstate_errors_total", "adapter-postgres/tests/metrics.rs"),
    ("chat_storage_slow_statements_total", "adapter-postgres/tests/metrics.rs"),
    ("chat_redis_commands_total", "adapter-redis/tests/metrics.rs"),
    ("chat_redis_errors_total", "adapter-redis/tests/metrics.rs"),
    ("chat_redis_command_duration_seconds", "adapter-redis/tests/metrics.rs"),
    ("chat_broker_reconnects_total", "adapter-redis/tests/metrics.rs"),
    ("chat_broker_queue_messages", "adapter-redis/tests/metrics.rs"),
    ("chat_broker_messages_dropped_total", "adapter-redis/tests/metrics.rs"),
    ("chat_cache_entries", "adapter-redis/tests/metrics.rs"),
    ("chat_cache_used_bytes", "adapter-redis/tests/metrics.rs"),
    ("chat_cache_max_bytes", "adapter-redis/tests/metrics.rs"),
    ("chat_cache_evictions_total", "adapter-redis/tests/metrics.rs"),
    ("chat_cache_up", "adapter-redis/tests/metrics.rs"),
    // Other nodes.
    ("chat_broker_pubsub_lag_seconds", "core/src/instrumented/tests.rs"),
    ("chat_cluster_requests_total", "core/tests/cluster.rs"),
    ("chat_cluster_request_duration_seconds", "core/tests/cluster.rs"),
    ("chat_cluster_replies_missing_total", "core/tests/cluster.rs"),
    // A blocked runtime would block the test.
    ("chat_runtime_queue_tasks", "metrics/src/standard/runtime.rs"),
    ("chat_runtime_scheduler_lag_max_seconds", "metrics/src/standard/lag.rs"),
    // A value outside its set cannot be made from outside: that is the point of it.
    ("chat_metrics_label_overflows_total", "metrics/tests/registry.rs"),
    ("chat_metrics_exporter_errors_total", "exporter-prometheus/tests/endpoint/main.rs"),
    // A server with a certificate.
    ("chat_tls_handshakes_total", "server/tests/tls/program.rs"),
    ("chat_tls_certificate_not_after_timestamp_seconds", "server/tests/tls/main.rs"),
];

#[test]
fn every_declared_metric_is_moved_by_a_case() {
    let declared: BTreeSet<&str> = catalogue::all().map(|description| description.name).collect();
    let here = moved_here().map(|declared| declared.metric);
    let elsewhere = ELSEWHERE.iter().map(|(metric, _)| *metric);
    let moved: BTreeSet<&str> = here.chain(elsewhere).collect();
    let unmoved: Vec<_> = declared.difference(&moved).collect();
    assert!(unmoved.is_empty(), "declared, and moved by no case: {unmoved:?}");
    let unknown: Vec<_> = moved.difference(&declared).collect();
    assert!(unknown.is_empty(), "moved by a case, and not declared: {unknown:?}");
}

/// What the cases here move.
fn moved_here() -> impl Iterator<Item = Declared> {
    let cases = CASES.iter().copied().flatten();
    cases.flat_map(|(_, metrics)| metrics.iter().copied().map(Declared::parse))
}

#[test]
fn every_metric_is_there_from_the_first_scrape() {
    // Neighbours and certificates that this server has none of.
    let absent = [
        "chat_log_shipper_",
        "chat_storage_connects_",
        "chat_storage_sqlstate_",
        "chat_storage_slow_",
        "chat_redis_",
        "chat_cache_",
        "chat_broker_reconnects_",
        "chat_broker_queue_",
        "chat_broker_messages_dropped_",
        "chat_tls_",
    ];
    let server = support::start();
    let probe = server.scrape();
    for description in catalogue::all() {
        let name = description.name;
        if absent.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let series = match description.kind {
            Kind::Histogram => format!("{name}_count"),
            _ => name.to_owned(),
        };
        assert!(probe.iter().any(|(known, _, _)| known == series), "{series}");
    }
}

#[test]
fn what_is_said_to_be_moved_elsewhere_is_looked_at_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (metric, file) in ELSEWHERE {
        let text = fs::read_to_string(crates.join(file)).unwrap_or_default();
        let named = [metric, &metric["chat_".len()..]];
        assert!(named.iter().any(|name| text.contains(name)), "{file} does not name {metric}");
    }
}
