//! What a scraper reads, to the letter.

use std::sync::Arc;

use campanile_exporter_prometheus::{Exposition, Format, Naming, Store};
use campanile_metrics::testing::Probe;
use campanile_metrics::{Registry, Sink, catalogue, labels};

labels! {
    /// Which way.
    pub enum Way("way") { In = "in", Out = "out" }
}
labels! {
    /// A configured application.
    pub struct App("app", max 4);
}
catalogue! {
    /// One of each kind.
    pub struct Kinds {
        /// Bytes that went by.
        counter passed(Way) = "chat_passed_bytes_total" [Bytes];
        /// Whether it is "open" \ shut.
        gauge open(App) = "chat_open";
        /// Time taken.
        histogram took(Way) = "chat_took_seconds" [Seconds] buckets &[0.5, 1.0, 10.0];
        /// Sizes seen.
        histogram sizes() = "chat_seen" buckets &[1.0];
        /// Total user and system CPU time spent in seconds.
        fractional_counter cpu() = "process_cpu_seconds_total" [Seconds];
        /// Build of the running binary.
        info build(version, revision) = "chat_build_info";
    }
}

fn start() -> (Arc<Store>, Registry, Kinds) {
    let store = Arc::new(Store::new());
    let sink: Arc<dyn Sink> = Arc::clone(&store) as _;
    let registry = Registry::builder().sink(sink).values::<App>(["a\"b\\c\nd"]).build();
    let kinds = Kinds::register(&registry);
    (store, registry, kinds)
}

fn moved() -> Arc<Store> {
    let (store, registry, kinds) = start();
    kinds.passed.add(42, Way::Out);
    kinds.open.set(-1.5, registry.label("a\"b\\c\nd"));
    for seconds in [0.25, 0.5, 0.75, 100.0] {
        kinds.took.observe(seconds, Way::In);
    }
    kinds.sizes.observe(3);
    kinds.cpu.follow(12.75);
    kinds.build.set(["1.0", "abc"]);
    store
}

fn render(store: &Store, format: Format) -> Exposition {
    store.render(format, &Naming::declared())
}

#[test]
fn the_text_format_is_written_to_the_letter() {
    let expected = r#"# HELP chat_build_info Build of the running binary.
# TYPE chat_build_info gauge
chat_build_info{version="1.0",revision="abc"} 1
# HELP chat_metrics_label_overflows_total Observations moved to the overflow label value.
# TYPE chat_metrics_label_overflows_total counter
chat_metrics_label_overflows_total{family="open"} 0
# HELP chat_metrics_series_max Series the catalogue allows: the sum of its declared bounds.
# TYPE chat_metrics_series_max gauge
chat_metrics_series_max 225
# HELP chat_open Whether it is "open" \\ shut.
# TYPE chat_open gauge
chat_open{app="a\"b\\c\nd"} -1.5
# HELP chat_passed_bytes_total Bytes that went by.
# TYPE chat_passed_bytes_total counter
chat_passed_bytes_total{way="in"} 0
chat_passed_bytes_total{way="out"} 42
# HELP chat_seen Sizes seen.
# TYPE chat_seen histogram
chat_seen_bucket{le="1"} 0
chat_seen_bucket{le="+Inf"} 1
chat_seen_sum 3
chat_seen_count 1
# HELP chat_took_seconds Time taken.
# TYPE chat_took_seconds histogram
chat_took_seconds_bucket{way="in",le="0.5"} 2
chat_took_seconds_bucket{way="in",le="1"} 3
chat_took_seconds_bucket{way="in",le="10"} 3
chat_took_seconds_bucket{way="in",le="+Inf"} 4
chat_took_seconds_sum{way="in"} 101.5
chat_took_seconds_count{way="in"} 4
chat_took_seconds_bucket{way="out",le="0.5"} 0
chat_took_seconds_bucket{way="out",le="1"} 0
chat_took_seconds_bucket{way="out",le="10"} 0
chat_took_seconds_bucket{way="out",le="+Inf"} 0
chat_took_seconds_sum{way="out"} 0
chat_took_seconds_count{way="out"} 0
# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.75
"#;
    let exposition = render(&moved(), Format::Text);
    assert_eq!(exposition.text, expected);
    assert_eq!(exposition.series, Probe::of(expected).series());
}

#[test]
fn openmetrics_is_written_to_the_letter() {
    let expected = r#"# TYPE chat_build info
# HELP chat_build Build of the running binary.
chat_build_info{version="1.0",revision="abc"} 1
# TYPE chat_metrics_label_overflows counter
# HELP chat_metrics_label_overflows Observations moved to the overflow label value.
chat_metrics_label_overflows_total{family="open"} 0
# TYPE chat_metrics_series_max gauge
# HELP chat_metrics_series_max Series the catalogue allows: the sum of its declared bounds.
chat_metrics_series_max 225
# TYPE chat_open gauge
# HELP chat_open Whether it is \"open\" \\ shut.
chat_open{app="a\"b\\c\nd"} -1.5
# TYPE chat_passed_bytes counter
# UNIT chat_passed_bytes bytes
# HELP chat_passed_bytes Bytes that went by.
chat_passed_bytes_total{way="in"} 0
chat_passed_bytes_total{way="out"} 42
# TYPE chat_seen histogram
# HELP chat_seen Sizes seen.
chat_seen_bucket{le="1.0"} 0
chat_seen_bucket{le="+Inf"} 1
chat_seen_sum 3
chat_seen_count 1
# TYPE chat_took_seconds histogram
# UNIT chat_took_seconds seconds
# HELP chat_took_seconds Time taken.
chat_took_seconds_bucket{way="in",le="0.5"} 2
chat_took_seconds_bucket{way="in",le="1.0"} 3
chat_took_seconds_bucket{way="in",le="10.0"} 3
chat_took_seconds_bucket{way="in",le="+Inf"} 4
chat_took_seconds_sum{way="in"} 101.5
chat_took_seconds_count{way="in"} 4
chat_took_seconds_bucket{way="out",le="0.5"} 0
chat_took_seconds_bucket{way="out",le="1.0"} 0
chat_took_seconds_bucket{way="out",le="10.0"} 0
chat_took_seconds_bucket{way="out",le="+Inf"} 0
chat_took_seconds_sum{way="out"} 0
chat_took_seconds_count{way="out"} 0
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
# HELP process_cpu_seconds Total user and system CPU time spent in seconds.
process_cpu_seconds_total 12.75
# EOF
"#;
    assert_eq!(render(&moved(), Format::OpenMetrics).text, expected);
}

#[test]
fn another_prefix_changes_names_and_nothing_else() {
    let store = moved();
    for prefix in ["talk_", ""] {
        let naming = Naming::with_prefix(prefix).expect("a fine prefix");
        for format in [Format::Text, Format::OpenMetrics] {
            let expected = render(&store, format).text.replace("chat_", prefix);
            assert_eq!(store.render(format, &naming).text, expected);
        }
    }
}

#[test]
fn every_series_is_there_before_anything_happens() {
    let (store, ..) = start();
    for format in [Format::Text, Format::OpenMetrics] {
        let probe = Probe::of(&render(&store, format).text);
        assert_eq!(probe.value("chat_passed_bytes_total", &[("way", "in")]), Some(0.0));
        assert_eq!(probe.value("chat_took_seconds_count", &[("way", "out")]), Some(0.0));
        assert_eq!(probe.value("chat_seen_sum", &[]), Some(0.0));
        assert_eq!(probe.value("process_cpu_seconds_total", &[]), Some(0.0));
    }
}

#[test]
fn infinity_is_written_as_prometheus_writes_it() {
    let (store, registry, kinds) = start();
    let other: App = registry.label("other");
    for (value, written) in [(f64::INFINITY, "+Inf"), (f64::NEG_INFINITY, "-Inf")] {
        kinds.open.set(value, other);
        let text = render(&store, Format::Text).text;
        assert!(text.contains(&format!("chat_open{{app=\"_other\"}} {written}\n")), "{text}");
    }
    kinds.open.set(f64::NAN, other);
    assert!(render(&store, Format::Text).text.contains("chat_open{app=\"_other\"} NaN\n"));
}

#[test]
fn what_other_crates_record_is_shown_too() {
    let store = Arc::new(Store::new());
    metrics::with_local_recorder(&*store, || {
        metrics::describe_counter!("their_requests", "It's \"theirs\".");
        metrics::counter!("their_requests", "path" => "/").increment(3);
        metrics::counter!("their_hits_total").increment(1);
        metrics::gauge!("their_size").set(2.5);
        metrics::histogram!("their_time").record(0.5);
    });
    let text = render(&store, Format::Text).text;
    let head = "# HELP their_requests It's \"theirs\".\n# TYPE their_requests counter\n";
    assert!(text.contains(&format!("{head}their_requests{{path=\"/\"}} 3\n")), "{text}");
    assert!(text.contains("# TYPE their_time summary\n"), "{text}");
    let probe = Probe::of(&text);
    assert_eq!(probe.value("their_time_count", &[]), Some(1.0));
    assert_eq!(probe.value("their_size", &[]), Some(2.5));

    let text = render(&store, Format::OpenMetrics).text;
    let head = "# TYPE their_requests unknown\n# HELP their_requests It's \\\"theirs\\\".\n";
    assert!(text.contains(&format!("{head}their_requests{{path=\"/\"}} 3\n")), "{text}");
    assert!(text.contains("# TYPE their_hits counter\ntheir_hits_total 1\n"), "{text}");
    store.keep_up();
    assert_eq!(
        Probe::of(&render(&store, Format::Text).text).value("their_time_count", &[]),
        Some(1.0)
    );
}
