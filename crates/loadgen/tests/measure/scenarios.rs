//! Each scenario over each protocol, against the real server.

use serde_json::Value;

use crate::run::{Protocol, run};
use crate::server::start;

const BOTH: [Protocol; 2] = [Protocol::Native, Protocol::Pusher];

/// This process, in which the server runs.
fn pid() -> String {
    format!("--pid {}", std::process::id())
}

#[track_caller]
fn number(report: &Value, pointer: &str) -> f64 {
    let found = report.pointer(pointer).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no {pointer} in {report:#}"))
}

#[test]
fn idle_connections_are_held_and_their_cost_is_told() {
    let server = start();
    for protocol in BOTH {
        let arguments = format!("idle --connections 70 --each 25 --sources 3 {}", pid());
        let report = run(protocol, server.address, &arguments).expect_well();
        assert_eq!(number(&report, "/connections"), 70.0);
        assert!(number(&report, "/costs/cpu_us_per_connection") > 1.0);
        assert!(number(&report, "/costs/cpu_us_per_subscription") > 1.0);
        assert!(report["costs"]["rss_kib_per_connection"].is_f64());
        assert!(report["costs"]["cpu_us_per_delivery"].is_null());
        let samples = report["samples"].as_array().expect("samples");
        assert!(samples.iter().any(|sample| sample["open"] == 70), "{report:#}");
    }
}

#[test]
fn every_subscriber_hears_every_message() {
    let server = start();
    for protocol in BOTH {
        let arguments = "fanout --subscribers 60 --channels 2 --publishers 2 --rate 100";
        let report = run(protocol, server.address, &format!("{arguments} {}", pid())).expect_well();
        let sent = number(&report, "/sent");
        assert!((100.0..=400.0).contains(&sent), "{report:#}");
        assert_eq!(number(&report, "/acknowledged"), sent);
        assert_eq!(number(&report, "/delivered"), sent * 30.0);
        assert!(number(&report, "/costs/cpu_us_per_delivery") > 0.1);
        assert!(number(&report, "/latencies/delivery/count") > 2000.0);
        assert!(number(&report, "/latencies/delivery/p50_ms") > 0.0);
    }
}

#[test]
fn a_saturated_channel_has_a_bounded_number_of_messages_on_their_way() {
    let server = start();
    for protocol in BOTH {
        let arguments = "fanout --subscribers 40 --saturate --window 4";
        let report = run(protocol, server.address, arguments).expect_well();
        assert!(number(&report, "/sent") > 50.0, "{report:#}");
        assert!(report["costs"]["cpu_us_per_delivery"].is_null(), "no process was named");
    }
}

#[test]
fn everybody_in_a_room_hears_everybody() {
    let server = start();
    for (protocol, hearers) in [(Protocol::Native, 10.0), (Protocol::Pusher, 9.0)] {
        let arguments = "chat --rooms 3 --each 10 --rate 100";
        let report = run(protocol, server.address, arguments).expect_well();
        let sent = number(&report, "/sent");
        assert!((100.0..=400.0).contains(&sent), "{report:#}");
        assert_eq!(number(&report, "/delivered"), sent * hearers);
    }
}

#[test]
fn what_is_published_over_http_is_answered_and_heard() {
    let server = start();
    for (protocol, pace) in BOTH.into_iter().zip(["", "--rate 60"]) {
        let arguments = format!("http --publishers 3 --subscribers 2 {pace} {}", pid());
        let report = run(protocol, server.address, &arguments).expect_well();
        let sent = number(&report, "/sent");
        assert!(sent > 50.0);
        assert_eq!(number(&report, "/acknowledged"), sent);
        assert_eq!(number(&report, "/delivered"), sent * 2.0);
        assert!(number(&report, "/latencies/acknowledgement/count") > 20.0);
        assert!(number(&report, "/costs/cpu_us_per_publication") > 1.0);
    }
}

#[test]
fn who_was_cut_comes_back_and_is_told_what_was_missed() {
    let server = start();
    for protocol in BOTH {
        let arguments = "storm --clients 40 --each 10 --rate 80 --times 2 --away 300ms";
        let arguments = format!("{arguments} {}", pid());
        let report = run(protocol, server.address, &arguments).expect_well();
        assert_eq!(number(&report, "/reconnects"), 80.0);
        assert!(number(&report, "/costs/cpu_us_per_return") > 1.0);
        let recovered = number(&report, "/recovered");
        // Pusher's protocol tells nobody what they missed.
        assert_eq!(recovered > 0.0, protocol == Protocol::Native, "{report:#}");
        if protocol == Protocol::Native {
            let told = number(&report, "/delivered") + recovered;
            assert_eq!(told, number(&report, "/sent") * 10.0);
        }
    }
}

#[test]
fn rooms_are_filled_and_read_from_their_beginning() {
    let server = start();
    for pace in ["", "--rate 50"] {
        let arguments = format!("history --rooms 2 --messages 450 --readers 3 {pace} {}", pid());
        let report = run(Protocol::Native, server.address, &arguments).expect_well();
        assert_eq!(number(&report, "/sent"), 900.0);
        assert_eq!(number(&report, "/acknowledged"), 900.0);
        assert!(number(&report, "/recovered") >= 450.0, "{report:#}");
        assert!(number(&report, "/latencies/acknowledgement/count") > 5.0);
    }
    let ran = run(Protocol::Pusher, server.address, "history");
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("no history"), "{}", ran.errors);
}

#[test]
fn the_page_is_whole_and_asks_for_nothing() {
    let server = start();
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("page.html");
    let arguments = format!("fanout --subscribers 5 --html {} {}", path.display(), pid());
    run(Protocol::Pusher, server.address, &arguments).expect_well();
    let page = std::fs::read_to_string(path).expect("it was written");
    assert!(page.matches("<svg").count() >= 5, "{page}");
    assert!(page.contains("nothing was lost") && page.contains("server CPU per delivery"));
    for foreign in ["src=", "href=", "<script", "@import", "url(", "NaN"] {
        assert!(!page.contains(foreign), "{foreign} in {page}");
    }
}

#[test]
fn a_mixture_does_all_of_it() {
    let server = start();
    for protocol in BOTH {
        let report = run(protocol, server.address, "mixed --connections 100").expect_well();
        let phases = report["phases"].as_array().expect("phases");
        let names: Vec<_> = phases.iter().filter_map(|phase| phase["name"].as_str()).collect();
        assert!(names.starts_with(&["rest", "connect", "subscribe", "rest", "warm-up", "traffic"]));
        assert!(number(&report, "/delivered") > 500.0, "{report:#}");
    }
}
