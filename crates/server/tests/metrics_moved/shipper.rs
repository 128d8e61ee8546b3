//! What becomes of log lines on their way to Loki.

use crate::{
    process::scrape,
    scene::{Scene, cases},
    stand_in::{Manner, StandIn},
    support::{
        program::{Program, campanile},
        send, until, with_json,
    },
};
use serde_json::json;

cases! {
    log_lines_are_counted_by_what_became_of_them moves [
        "chat_log_shipper_entries_sent_total",
        "chat_log_shipper_entries_dropped_total{reason=rejected}",
        "chat_log_shipper_sent_bytes_total",
        "chat_log_shipper_requests_total{status=2xx|4xx|5xx}",
        "chat_log_shipper_request_duration_seconds",
        "chat_log_shipper_retries_total",
        "chat_log_shipper_buffer_entries",
        "chat_log_shipper_buffer_max_entries",
        "chat_log_shipper_buffer_bytes",
        "chat_log_shipper_buffer_max_bytes",
        "chat_log_shipper_oldest_entry_age_seconds",
        "chat_log_shipper_last_success_timestamp_seconds",
    ] shipped;
}

const SENT: &str = "chat_log_shipper_entries_sent_total";
const DROPPED: &str = "chat_log_shipper_entries_dropped_total";
const SENT_BYTES: &str = "chat_log_shipper_sent_bytes_total";
const REQUESTS: &str = "chat_log_shipper_requests_total";
const REQUEST_DURATION: &str = "chat_log_shipper_request_duration_seconds_count";
const RETRIES: &str = "chat_log_shipper_retries_total";
const WAITING: &str = "chat_log_shipper_buffer_entries";
const WAITING_BYTES: &str = "chat_log_shipper_buffer_bytes";
const WAITING_MAX: &str = "chat_log_shipper_buffer_max_entries";
const WAITING_BYTES_MAX: &str = "chat_log_shipper_buffer_max_bytes";
const OLDEST: &str = "chat_log_shipper_oldest_entry_age_seconds";
const LAST_SUCCESS: &str = "chat_log_shipper_last_success_timestamp_seconds";

fn shipped(scene: &Scene) {
    let loki = StandIn::start();
    let home = tempfile::tempdir().expect("a directory");
    let mut command = campanile(home.path());
    command.env("CAMPANILE_LOG__LOKI__URL", loki.url());
    command.env("CAMPANILE_LOG__LOKI__BUFFER_BYTES", "65536");
    let program = Program::start(&mut command);
    let told = |series: &str, labels: &[(&str, &str)]| {
        scene.note(series);
        scrape(&program.metrics).value(series, labels).unwrap_or_else(|| panic!("{series}"))
    };
    let becomes = |series: &str, labels: &[(&str, &str)], wanted: f64| {
        until(series, || (told(series, labels) == wanted).then_some(()));
        if wanted > 0.0 {
            scene.moved(series, labels);
        }
    };
    // Each is one line, as long as nobody tries too often.
    let log = |name: &str, lines: u64| {
        let login = format!("{}/api/v1/login", program.url);
        let nobody = json!({"name": name, "password": "correct horse"});
        for _ in 0..lines {
            assert_eq!(send(with_json(minreq::post(&login), &nobody)).status, 401);
        }
    };
    let early = program.early_lines.len() as u64;
    becomes(SENT, &[], early as f64);
    log("ada", 2);
    becomes(SENT, &[], (early + 2) as f64);
    assert_eq!(loki.lock().lines, early + 2, "Loki has as many");
    becomes(WAITING, &[], 0.0);
    assert_eq!(told(OLDEST, &[]), 0.0);
    assert_eq!((told(WAITING_MAX, &[]), told(WAITING_BYTES_MAX, &[])), (1e6, 65_536.0));
    // A request is counted once its answer was read.
    let accepted = loki.lock().accepted as f64;
    becomes(REQUESTS, &[("status", "2xx")], accepted);
    becomes(REQUEST_DURATION, &[], accepted);
    let (bytes, success) = (told(SENT_BYTES, &[]), told(LAST_SUCCESS, &[]));
    assert!(bytes > 0.0 && success > 1.7e9, "{bytes}, {success}");

    loki.behave(Manner::Answer(503, "ill"));
    log("bob", 3);
    becomes(WAITING, &[], 3.0);
    until("it is tried again", || (told(RETRIES, &[]) >= 1.0).then_some(()));
    assert!(told(REQUESTS, &[("status", "5xx")]) >= 1.0);
    scene.moved(REQUESTS, &[("status", "5xx")]);
    assert!(told(WAITING_BYTES, &[]) > 0.0 && told(OLDEST, &[]) > 0.0);
    assert_eq!(told(LAST_SUCCESS, &[]), success);

    loki.behave(Manner::Loki);
    becomes(WAITING, &[], 0.0);
    becomes(SENT, &[], (early + 5) as f64);
    assert_eq!(told(WAITING_BYTES, &[]), 0.0);
    assert!(told(SENT_BYTES, &[]) > bytes && told(LAST_SUCCESS, &[]) > success);

    loki.behave(Manner::Answer(400, "that is no line"));
    log("eve", 1);
    becomes(DROPPED, &[("reason", "rejected")], 1.0);
    becomes(REQUESTS, &[("status", "4xx")], 1.0);
    assert_eq!(told(SENT, &[]), (early + 5) as f64);
}
