//! What is logged arrives, as the log store wants it.

mod stand_in;

use campanile_loki::{Auth, Config, DropReason, LokiLayer, PushStatus, Secret, Shipper, Status};
use campanile_metrics::testing::Recording;
use stand_in::{StandIn, eventually};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// Settings whose waits are short.
fn config(url: String) -> Config {
    Config { url, linger: Duration::from_millis(5), ..Config::default() }
}

fn start(config: &Config) -> (Shipper, Dispatch) {
    let (layer, shipper) = config.start().expect("it starts");
    (shipper, Dispatch::new(tracing_subscriber::registry().with(layer)))
}

/// Logs through a subscriber of its own, since tests share a process.
fn with(dispatch: &Dispatch, log: impl FnOnce()) {
    tracing::dispatcher::with_default(dispatch, log);
}

/// Where everything is when nothing waits any more.
fn flushed(shipper: &Shipper) -> Status {
    let report = shipper.flush(Duration::from_secs(60));
    let status = shipper.status();
    assert!(status.is_balanced() && status.queued == 0, "{status:?} {report:?}");
    status
}

#[test]
fn lines_arrive_with_labels_fields_and_times() {
    let loki = StandIn::start();
    let config = Config {
        service: "chat \"one\" \\ ü".to_owned(),
        env: "test".to_owned(),
        instance: "a-1".to_owned(),
        ..config(loki.url())
    };
    let (shipper, dispatch) = start(&config);
    with(&dispatch, || {
        let span = tracing::info_span!("request", user = "ada");
        span.in_scope(|| tracing::warn!(room = "hall", count = 3, "who is there"));
        tracing::debug!("quiet");
    });
    loki.wait_for("two lines", |seen| seen.entries.len() == 2);
    let seen = loki.lock();
    let warning = seen.entries.iter().find(|entry| entry.message() == "who is there");
    let warning = warning.expect("the warning");
    let labels = [
        ("env", "test"),
        ("instance", "a-1"),
        ("job", "chat-server"),
        ("level", "warn"),
        ("service", "chat \"one\" \\ ü"),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(warning.labels, labels.into());
    let line: serde_json::Value = serde_json::from_str(&warning.line).expect("JSON");
    assert_eq!((&line["room"], &line["count"]), (&"hall".into(), &3.into()));
    assert_eq!((&line["user"], &line["_spans"]), (&"ada".into(), &serde_json::json!(["request"])));
    drop(seen);
    eventually("both are counted as sent", || shipper.status().sent == 2);
}

#[test]
fn a_line_is_harmless_and_its_texts_are_as_long_as_is_set() {
    let loki = StandIn::start();
    let (shipper, dispatch) = start(&Config { value_bytes_max: 100, ..config(loki.url()) });
    let nasty = "a\nb\u{85}\u{1b}[2J\u{2028}\u{202e}\"ä";
    with(&dispatch, || tracing::info!(user = nasty, room = %"ä".repeat(1_000), count = 7, "hello"));
    assert_eq!(flushed(&shipper).sent, 1);
    let line = loki.lock().entries[0].line.clone();
    let steers = |one: char| one.is_control() || matches!(one, '\u{2028}'..='\u{202e}');
    assert!(!line.chars().any(steers), "{line:?}");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["user"], &line["count"]), (&nasty.into(), &7.into()));
    assert_eq!(line["room"], format!("{}…", "ä".repeat(50)));
}

#[test]
fn many_threads_lose_nothing_and_every_line_is_somewhere_at_every_instant() {
    let loki = StandIn::start();
    let (shipper, dispatch) = start(&config(loki.url()));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let logging = [0, 1, 2].map(|name| {
            let (shipper, dispatch) = (&shipper, &dispatch);
            scope.spawn(move || {
                with(dispatch, || {
                    for line in 0..8_000 {
                        tracing::info!("thread {name} line {line:05}");
                        if line % 1_000 == 999 {
                            // All lanes together have room for more than three threads log.
                            eventually("there is room", || shipper.status().arriving == 0);
                        }
                    }
                });
            })
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let status = shipper.status();
                assert!(status.is_balanced(), "{status:?}");
            }
        });
        for thread in logging {
            thread.join().expect("it logs");
        }
        let report = shipper.flush(Duration::from_secs(60));
        assert_eq!((report.dropped, report.kept), (0, 0));
        is_over.store(true, Ordering::Relaxed);
    });
    let status = shipper.status();
    assert_eq!((status.accepted, status.sent, status.queued), (24_000, 24_000, 0));
    let seen = loki.lock();
    let mut messages = seen.messages();
    for name in 0..3 {
        let of_one = messages.iter().filter(|line| line.starts_with(&format!("thread {name}")));
        assert!(of_one.is_sorted_by(|a, b| a < b), "in the order in which they were logged");
    }
    messages.sort_unstable();
    messages.dedup();
    assert_eq!(messages.len(), 24_000);
    assert!(seen.pushes < 2_400, "{} pushes", seen.pushes);
    assert!(seen.push_bytes_max <= 1024 * 1024, "{} bytes", seen.push_bytes_max);
    assert_eq!(seen.complaint, None);
}

#[test]
fn what_is_configured_is_brought_along() {
    let loki = StandIn::start();
    let bearer = Auth::Bearer(Secret("token".to_owned()));
    let basic = Auth::Basic { user: "ada".to_owned(), password: Secret("key".to_owned()) };
    for (auth, expected) in [(bearer, "Bearer token"), (basic, "Basic YWRhOmtleQ==")] {
        let (tenant, auth) = (Some("tower".to_owned()), Some(auth));
        let (shipper, dispatch) = start(&Config { tenant, auth, ..config(loki.url()) });
        with(&dispatch, || tracing::info!("hello"));
        assert_eq!(flushed(&shipper).sent, 1);
        let seen = loki.lock();
        assert_eq!(seen.headers["authorization"], expected);
        assert_eq!(seen.headers["x-scope-orgid"], "tower");
    }
}

#[test]
fn a_path_of_the_url_is_kept() {
    let loki = StandIn::start();
    let (shipper, dispatch) = start(&config(format!("{}/behind/proxy/", loki.url())));
    with(&dispatch, || tracing::info!("hello"));
    assert_eq!(flushed(&shipper).sent, 1);
}

#[test]
fn spans_that_are_older_than_the_layer_do_no_harm() {
    let loki = StandIn::start();
    let (layer, handle) = tracing_subscriber::reload::Layer::new(None::<LokiLayer>);
    // Another layer, so that spans are wanted from the beginning.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer).with(lines));
    let (layer, shipper) = config(loki.url()).start().expect("it starts");
    with(&dispatch, || {
        let span = tracing::info_span!("old", early = 1, late = tracing::field::Empty);
        let _entered = span.enter();
        handle.reload(Some(layer)).expect("the subscriber is there");
        span.record("late", 2);
        tracing::info!("hello");
    });
    assert_eq!(flushed(&shipper).sent, 1);
    let line: serde_json::Value = serde_json::from_str(&loki.lock().entries[0].line).expect("JSON");
    assert_eq!((&line["late"], &line["early"]), (&2.into(), &serde_json::Value::Null));
}

#[test]
fn a_line_whose_field_panics_is_counted_as_dropped() {
    struct Panics;
    impl std::fmt::Debug for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("on purpose")
        }
    }
    let loki = StandIn::start();
    let (shipper, dispatch) = start(&config(loki.url()));
    let log = || with(&dispatch, || tracing::info!(field = ?Panics, "hello"));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(log)).expect_err("it panics");
    with(&dispatch, || tracing::info!("hello"));
    let status = flushed(&shipper);
    assert_eq!((status.sent, status.dropped(DropReason::Other)), (1, 1));
}

#[test]
fn every_metric_moves() {
    let loki = StandIn::start();
    let recording = Recording::new();
    let (shipper, dispatch) = start(&config(loki.url()));
    shipper.register(recording.registry());
    with(&dispatch, || {
        tracing::info!("hello");
        tracing::info!("{}", "x".repeat(300_000));
    });
    let status = flushed(&shipper);
    assert_eq!((status.sent, status.dropped_in_all()), (1, 1));
    with(&dispatch, || tracing::info!("too late"));
    let probe = recording.probe();
    let value = |name: &str, labels: &[_]| {
        probe.value(&format!("chat_log_shipper_{name}"), labels).expect("a series")
    };
    assert_eq!(value("entries_sent_total", &[]), 1.0);
    for reason in DropReason::ALL {
        let expected = match reason {
            DropReason::LineTooLong | DropReason::Shutdown => 1.0,
            _ => 0.0,
        };
        let reason = reason.values()[0];
        assert_eq!(value("entries_dropped_total", &[("reason", reason)]), expected, "{reason}");
    }
    for answer in PushStatus::ALL {
        let expected = f64::from(u8::from(*answer == PushStatus::Accepted));
        let answer = answer.values()[0];
        assert_eq!(value("requests_total", &[("status", answer)]), expected, "{answer}");
    }
    assert_eq!(value("sent_bytes_total", &[]), shipper.status().sent_bytes as f64);
    assert!(value("sent_bytes_total", &[]) > 0.0);
    assert_eq!(value("request_duration_seconds_count", &[]), 1.0);
    assert_eq!(value("retries_total", &[]), 0.0);
    assert_eq!(value("buffer_entries", &[]), 0.0);
    assert_eq!(value("buffer_max_entries", &[]), 1_000_000.0);
    assert_eq!(value("buffer_bytes", &[]), 0.0);
    assert_eq!(value("buffer_max_bytes", &[]), 16_777_216.0);
    assert_eq!(value("oldest_entry_age_seconds", &[]), 0.0);
    assert!(value("last_success_timestamp_seconds", &[]) > 1_700_000_000.0);
}
