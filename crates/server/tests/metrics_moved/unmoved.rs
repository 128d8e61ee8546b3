//! The label values that no case moves, and why.

use crate::{ELSEWHERE, moved_here};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

/// Values that nothing here moves.
struct Unmoved {
    /// `*`: of every metric with this label.
    metric: &'static str,
    label: &'static str,
    /// Empty: all that no case moves.
    values: &'static [&'static str],
    why: &'static str,
}

const fn unmoved(
    metric: &'static str,
    label: &'static str,
    values: &'static [&'static str],
    why: &'static str,
) -> Unmoved {
    Unmoved { metric, label, values, why }
}

/// Values that the test in this file moves, below `crates`.
const fn by(
    metric: &'static str,
    label: &'static str,
    values: &'static [&'static str],
    file: &'static str,
) -> Unmoved {
    Unmoved { metric, label, values, why: file }
}

const UNMOVED: &[Unmoved] = &[
    // What tests of other programs move.
    by(
        "chat_connections_closed_total",
        "reason",
        &["server_shutdown"],
        "server/tests/ws_native/ending.rs",
    ),
    by(
        "chat_connections_rejected_total",
        "reason",
        &["draining"],
        "server/tests/ws_native/ending.rs",
    ),
    by("chat_connection_errors_total", "error_type", &["tls"], "server/tests/tls/program.rs"),
    by("chat_message_delivery_latency_seconds", "scope", &["remote"], "core/tests/cluster.rs"),
    by(
        "chat_messages_dropped_total",
        "reason",
        &["queue_full", "no_recipient", "shutdown"],
        "core/src/fanout/outbox/tests.rs",
    ),
    by(
        "chat_notifications_failed_total",
        "reason",
        &["rate_limited", "timeout", "payload", "overflow", "other"],
        "core/tests/pushes.rs",
    ),
    by("chat_queue_jobs_failed_total", "reason", &["timeout", "decode"], "core/tests/pushes.rs"),
    by("chat_webhooks_failed_total", "reason", &["signature"], "adapter-webhook/tests/service.rs"),
    by("chat_webhooks_failed_total", "reason", &["timeout"], "core/tests/webhooks.rs"),
    by(
        "chat_storage_errors_total",
        "reason",
        &["pool_exhausted"],
        "core/src/instrumented/tests.rs",
    ),
    by("chat_broker_messages_total", "direction", &["in"], "core/src/instrumented/tests.rs"),
    by(
        "chat_uploads_total",
        "result",
        &["too_large", "quota", "aborted"],
        "server/tests/server/uploads.rs",
    ),
    by(
        "chat_metrics_scrapes_denied_total",
        "reason",
        &["address", "host", "token", "rate"],
        "exporter-prometheus/tests/endpoint/main.rs",
    ),
    // What nothing is, as yet.
    unmoved(
        "*",
        "transport",
        &["long_poll"],
        "requests of people are no connections: what comes by them is counted so, and nothing goes out by them",
    ),
    unmoved(
        "chat_connections_closed_total",
        "reason",
        &["other"],
        "no connection ends without one of the reasons",
    ),
    unmoved(
        "chat_messages_processed_total",
        "kind",
        &["control"],
        "only what is stored or told is processed",
    ),
    unmoved(
        "chat_message_processing_duration_seconds",
        "kind",
        &["receipt", "control"],
        "only messages and what changes them are timed",
    ),
    unmoved(
        "chat_auth_duration_seconds",
        "mechanism",
        &["hmac"],
        "a signature is checked without asking anybody, and is not timed",
    ),
    unmoved(
        "chat_queue_jobs_dead_lettered_total",
        "queue",
        &["push"],
        "a notification that is given up is old news, and is not put aside",
    ),
    unmoved(
        "chat_log_lines_total",
        "level",
        &["error", "debug", "trace"],
        "nothing here goes wrong enough to be an error, and the lines below `info` are filtered out",
    ),
    // What one line of code counts, whatever the value: the cases drive one of each kind.
    unmoved(
        "*",
        "route",
        &[],
        "the router says which: a route, none, and a WebSocket are driven, and server/tests/server asks every one",
    ),
    unmoved("*", "method", &[], "what the request says: some are driven"),
    unmoved("chat_http_requests_total", "status", &[], "what the answer says: some are driven"),
    unmoved(
        "*",
        "transport",
        &["sse"],
        "who hears a stream of events is let in, cut and counted by the code that does it for a WebSocket, and says nothing over it",
    ),
    unmoved(
        "*",
        "limiter",
        &[],
        "whoever asks names the limiter: each is refused once here, and one of them is made to wait",
    ),
    unmoved(
        "*",
        "event",
        &[],
        "a failure and a duration are counted with the name of what was told, which is driven for one and told for each",
    ),
    unmoved(
        "*",
        "store",
        &[],
        "the decorator of each port names its store, and the conformance tests call them all",
    ),
    unmoved(
        "*",
        "operation",
        &[],
        "the decorator of each call names it, and the conformance tests call them all",
    ),
    unmoved(
        "chat_storage_errors_total",
        "reason",
        &[],
        "the kinds of faults are made in adapter-sqlite/tests/writing.rs and adapter-postgres/tests, and counted as they come",
    ),
    unmoved(
        "*",
        "channel_type",
        &[],
        "counted by the type of the room or channel, which is driven for the others",
    ),
    unmoved(
        "chat_room_leaves_total",
        "reason",
        &["server"],
        "not driven: a subscription that is given up half-way because its store fails then",
    ),
    // What cannot be had from outside, or is not yet.
    unmoved(
        "chat_message_errors_total",
        "reason",
        &["other"],
        "an error that is none of the others: there is none as yet that a client can cause",
    ),
    unmoved(
        "chat_client_events_total",
        "result",
        &["duplicate", "failed"],
        "a sign that somebody types is not stored, so neither can be",
    ),
    unmoved(
        "chat_session_resumptions_total",
        "result",
        &["error"],
        "not driven: a store that fails between two reads of one join",
    ),
    unmoved(
        "chat_history_recoveries_total",
        "result",
        &["error"],
        "not driven: a store that fails between two reads of one join",
    ),
    unmoved("chat_uploads_total", "result", &["storage"], "not driven: a disc that fails"),
    unmoved(
        "chat_webhooks_failed_total",
        "reason",
        &["overflow"],
        "not driven: 100 000 events have to wait",
    ),
    unmoved(
        "chat_queue_jobs_failed_total",
        "reason",
        &["other"],
        "a job fails for one of the other reasons, as yet",
    ),
    unmoved(
        "chat_broker_operations_total",
        "result",
        &["error"],
        "the bus in memory does not fail; the one that only fails shows its errors by reason",
    ),
    unmoved(
        "chat_broker_errors_total",
        "reason",
        &[],
        "one reason is driven; adapter-redis/tests/faults.rs makes the others of Redis",
    ),
    unmoved(
        "chat_log_shipper_entries_dropped_total",
        "reason",
        &[],
        "loki/tests and the tests in loki/src see each in the shipper's status, from which this is copied",
    ),
    unmoved(
        "chat_log_shipper_requests_total",
        "status",
        &["429", "network"],
        "loki/tests/failing.rs makes both, and sees what becomes of the lines",
    ),
];

#[test]
fn every_label_value_is_moved_by_a_case_or_there_is_a_reason_why_not() {
    let moved: BTreeSet<(&str, &str, &str)> = moved_here()
        .flat_map(|declared| {
            let metric = declared.metric;
            declared.values.into_iter().map(move |(label, value)| (metric, label, value))
        })
        .collect();
    let declared = declared();
    let declared = declared.iter().map(|(metric, label, value)| (&**metric, &**label, &**value));
    let declared: BTreeSet<(&str, &str, &str)> = declared.collect();
    let unknown: Vec<_> = moved.difference(&declared).collect();
    assert!(unknown.is_empty(), "moved by a case, and not declared: {unknown:?}");
    let mut used = vec![false; UNMOVED.len()];
    let mut silent = Vec::new();
    for (metric, label, value) in declared.difference(&moved) {
        let reason = UNMOVED.iter().position(|unmoved| unmoved.covers((metric, label, value)));
        match reason {
            Some(reason) => used[reason] = true,
            None => silent.push(format!("{metric}{{{label}={value}}}")),
        }
    }
    assert!(silent.is_empty(), "moved by no case, and no reason says why: {silent:#?}");
    for (unmoved, used) in UNMOVED.iter().zip(used) {
        let Unmoved { metric, label, values, why } = unmoved;
        assert!(used, "all of {metric}{{{label}={values:?}}} is moved: {why:?} is no longer so");
        let moved: Vec<_> = values
            .iter()
            .filter(|value| *metric != "*" && moved.contains(&(*metric, *label, **value)))
            .collect();
        assert!(moved.is_empty(), "{moved:?} of {metric} is moved: {why:?} is no longer so");
    }
}

#[test]
fn what_is_said_to_be_moved_by_another_test_is_named_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for Unmoved { metric, values, why, .. } in UNMOVED.iter().filter(|one| one.is_elsewhere()) {
        let text = fs::read_to_string(crates.join(why)).unwrap_or_default();
        for value in *values {
            let named = [format!("\"{value}\""), in_camel_case(value)];
            let is_named = named.iter().any(|name| text.contains(name));
            assert!(is_named, "{why} does not name {value} of {metric}");
        }
    }
}

/// A value as the enum calls it.
fn in_camel_case(value: &str) -> String {
    let words = value.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}

impl Unmoved {
    /// Whether the reason is a file.
    fn is_elsewhere(&self) -> bool {
        self.why.ends_with(".rs") && !self.why.contains(' ')
    }

    fn covers(&self, (metric, label, value): (&str, &str, &str)) -> bool {
        let metric_fits = self.metric == "*" || self.metric == metric;
        let value_fits = self.values.is_empty() || self.values.contains(&value);
        metric_fits && self.label == label && value_fits
    }
}

/// Every value of every closed label, as the catalogue is written down; but for the metrics that
/// the tests of other programs move.
fn declared() -> Vec<(String, String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.json");
    let text = fs::read_to_string(file).expect("it is there");
    let metrics: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let mut declared = Vec::new();
    for metric in &metrics {
        let name = text_of(&metric["name"]);
        if ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == name) {
            continue;
        }
        for label in metric["labels"].as_array().expect("a list") {
            for value in label["values"].as_array().expect("a list") {
                declared.push((name.clone(), text_of(&label["name"]), text_of(value)));
            }
        }
    }
    declared
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
