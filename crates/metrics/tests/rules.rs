//! The rules of the catalogue: each one refuses what breaks it, by name and reason.

use campanile_metrics::{
    Clash, Description, Kind, LabelList, Registry, Unit, buckets, catalogue, rules,
    testing::Recording,
};

const GOOD: Description = Description {
    name: "chat_things_total",
    kind: Kind::Counter,
    unit: None,
    help: "Things.",
    labels: LabelList::EMPTY,
    combinations: 1,
    buckets: &[],
};

const fn gauge(name: &'static str) -> Description {
    Description { name, kind: Kind::Gauge, ..GOOD }
}

const fn histogram(buckets: &'static [f64]) -> Description {
    Description {
        name: "chat_wait_seconds",
        kind: Kind::Histogram,
        unit: Some(Unit::Seconds),
        buckets,
        ..GOOD
    }
}

/// What the build would say of these.
#[track_caller]
fn check(descriptions: &[Description], refusal: &str) {
    let descriptions = descriptions.to_vec();
    let refused = std::panic::catch_unwind(|| rules::enforce(&descriptions));
    let said = refused.expect_err("the rules let it pass");
    assert_eq!(said.downcast_ref::<String>().expect("a formatted message"), refusal);
}

#[test]
fn what_obeys_the_rules_passes() {
    rules::enforce(&[
        GOOD,
        gauge("chat_things_waiting"),
        Description { unit: Some(Unit::Bytes), ..gauge("chat_kept_bytes") },
        Description { unit: Some(Unit::Bytes), name: "chat_sent_bytes_total", ..GOOD },
        Description { kind: Kind::FractionalCounter, name: "process_turns_total", ..GOOD },
        Description { kind: Kind::Info, name: "chat_build_info", ..GOOD },
        histogram(buckets::LATENCY),
    ]);
}

#[test]
fn counters_and_only_counters_end_in_total() {
    let why = "counters, and only counters, end in _total";
    check(&[Description { name: "chat_things", ..GOOD }], &format!("chat_things: {why}"));
    check(&[gauge("chat_things_total")], &format!("chat_things_total: {why}"));
}

#[test]
fn units_and_endings_go_together() {
    let bytes = "[Bytes] and the ending _bytes go together";
    let seconds = "[Seconds] and the ending _seconds go together";
    check(&[gauge("chat_kept_bytes")], &format!("chat_kept_bytes: {bytes}"));
    let declared = Description { unit: Some(Unit::Bytes), ..gauge("chat_kept") };
    check(&[declared], &format!("chat_kept: {bytes}"));
    check(&[gauge("chat_age_seconds")], &format!("chat_age_seconds: {seconds}"));
    let counter = Description { name: "chat_busy_seconds_total", ..GOOD };
    check(&[counter], &format!("chat_busy_seconds_total: {seconds}"));
    let wrong = Description { unit: Some(Unit::Bytes), ..gauge("chat_age_seconds") };
    check(&[wrong], &format!("chat_age_seconds: {seconds}"));
}

#[test]
fn only_base_units_are_spoken() {
    for name in ["chat_age_ms", "chat_age_minutes", "chat_kept_mb", "chat_full_percent"] {
        let why = "only base units: seconds, bytes, and ratios from 0 to 1";
        check(&[gauge(name)], &format!("{name}: {why}"));
    }
}

#[test]
fn endings_that_expositions_make_are_refused() {
    let why = "expositions make names with this ending; choose another";
    for name in ["chat_x_count", "chat_x_sum", "chat_x_bucket", "chat_x_created"] {
        check(&[gauge(name)], &format!("{name}: {why}"));
    }
    let counter = Description { name: "chat_rooms_created_total", ..GOOD };
    check(&[counter], &format!("chat_rooms_created_total: {why}"));
    let info = "info metrics, and only they, end in _info";
    check(&[gauge("chat_build_info")], &format!("chat_build_info: {info}"));
}

#[test]
fn one_family_has_one_metric() {
    let why = "chat_things: another metric here is of the same family";
    check(&[GOOD, gauge("chat_things")], why);
    check(&[gauge("chat_things"), gauge("chat_things")], why);
}

#[test]
fn histograms_and_only_histograms_have_ascending_buckets() {
    let buckets = "chat_wait_seconds: histograms, and only histograms, have buckets";
    check(&[histogram(&[])], buckets);
    let ascending = "chat_wait_seconds: buckets are finite and ascend";
    check(&[histogram(&[0.5, 0.1])], ascending);
    check(&[histogram(&[0.5, 0.5])], ascending);
    check(&[histogram(&[0.5, f64::INFINITY])], ascending);
    let counter = Description { buckets: &[1.0], ..GOOD };
    check(&[counter], "chat_things_total: histograms, and only histograms, have buckets");
}

#[test]
fn names_are_plain_and_not_those_of_prometheus() {
    let plain = "a name is of a-z, 0-9 and _, and starts with a letter";
    for name in ["Chat_things", "chat-things", "_things", "1things", ""] {
        check(&[gauge(name)], &format!("{name}: {plain}"));
    }
    check(&[gauge("up")], "up: this name belongs to Prometheus");
    check(&[gauge("scrape_size")], "scrape_size: this name belongs to Prometheus");
}

#[test]
fn labels_are_plain_single_and_not_those_of_prometheus() {
    let with = |keys| Description { labels: LabelList::named(keys), ..GOOD };
    for reserved in [&["job"], &["instance"], &["le"], &["quantile"]] {
        check(&[with(reserved)], "chat_things_total: this label belongs to Prometheus");
    }
    check(&[with(&["way", "way"])], "chat_things_total: it has the same label twice");
    let plain = "a label name is of a-z, 0-9 and _, and starts with a letter";
    check(&[with(&["__way"])], &format!("chat_things_total: {plain}"));
}

#[test]
fn help_is_given_and_combinations_are_few() {
    check(
        &[Description { help: "", ..GOOD }],
        "chat_things_total: say in one sentence what it tells",
    );
    check(
        &[Description { combinations: rules::COMBINATIONS_MAX + 1, ..GOOD }],
        "chat_things_total: it has too many label combinations",
    );
}

catalogue! {
    /// One part of a program.
    pub struct Doors {
        /// Doors opened.
        counter opened() = "chat_doors_total";
    }
}
catalogue! {
    /// Another part, which did not know of the first.
    pub struct Windows {
        /// Doors there are.
        gauge doors() = "chat_doors";
    }
}

#[test]
fn a_clash_between_catalogues_is_found_beforehand_and_at_start_up() {
    let clash = Clash { first: "chat_doors_total", second: "chat_doors", family: "chat_doors" };
    let both = [Doors::DESCRIPTIONS, Windows::DESCRIPTIONS];
    assert_eq!(rules::check(&both), Err(clash.clone()));
    assert_eq!(rules::check(&[Doors::DESCRIPTIONS, Doors::DESCRIPTIONS]), Ok(()));

    let registry = Registry::builder().build();
    Doors::register(&registry);
    assert_eq!(registry.try_declare(Windows::DESCRIPTIONS), Err(clash));
    let refused = std::thread::spawn(move || Windows::register(&registry)).join();
    let message = refused.expect_err("it clashes");
    assert_eq!(
        message.downcast_ref::<String>().expect("a formatted message"),
        "metric chat_doors clashes with chat_doors_total: both are of family chat_doors"
    );
}

#[test]
fn the_same_catalogue_twice_shares_its_series() {
    let recording = Recording::new();
    Doors::register(recording.registry()).opened.increment();
    Doors::register(recording.registry()).opened.increment();
    assert_eq!(recording.probe().value("chat_doors_total", &[]), Some(2.0));
    let names = recording.registry().descriptions();
    assert_eq!(names.iter().filter(|known| known.name == "chat_doors_total").count(), 1);
}
