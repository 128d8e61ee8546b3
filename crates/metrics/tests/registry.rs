//! What a registry promises: every series from the start, exact values, nothing unbounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use campanile_metrics::testing::{Probe, Recording};
use campanile_metrics::{
    ConfiguredLabel, Registry, StatisticsInterval, buckets, catalogue, labels,
};

labels! {
    /// Which way.
    pub enum Way("way") { In = "in", Out = "out" }
}
labels! {
    /// What the router answers.
    pub enum Endpoint("method", "route") {
        ListRooms = "GET" "/rooms",
        MakeRoom = "POST" "/rooms",
        Health = "GET" "/livez",
    }
}
labels! {
    /// A configured application.
    pub struct App("app", max 4);
}
catalogue! {
    /// A bit of everything.
    pub struct Everything {
        /// Events.
        counter events(App, Way) = "chat_events_total";
        /// Requests.
        counter requests(Endpoint, Way) = "chat_requests_total";
        /// Open now.
        gauge open(App) = "chat_open";
        /// Working now.
        gauge working() = "chat_working";
        /// Time taken.
        histogram took(Way) = "chat_took_seconds" [Seconds] buckets buckets::LATENCY;
        /// Time spent.
        fractional_counter spent() = "chat_spent_seconds_total" [Seconds];
        /// Which build.
        info build(version) = "chat_build_info";
    }
}

fn start() -> (Recording, Everything) {
    let recording = Recording::with(Registry::builder().values::<App>(["main", "shop"]));
    let everything = Everything::register(recording.registry());
    (recording, everything)
}

fn labelled<'a>(app: &'a str, way: &'a str) -> [(&'a str, &'a str); 2] {
    [("app", app), ("way", way)]
}

#[test]
fn every_series_exists_at_nought_from_the_start() {
    let (recording, _everything) = start();
    let probe = recording.probe();
    for app in ["main", "shop"] {
        for way in ["in", "out"] {
            assert_eq!(probe.value("chat_events_total", &labelled(app, way)), Some(0.0));
        }
        assert_eq!(probe.value("chat_open", &[("app", app)]), Some(0.0));
    }
    for (method, route) in [("GET", "/rooms"), ("POST", "/rooms"), ("GET", "/livez")] {
        let labels = [("method", method), ("route", route), ("way", "in")];
        assert_eq!(probe.value("chat_requests_total", &labels), Some(0.0));
    }
    let never = [("method", "POST"), ("route", "/livez"), ("way", "in")];
    assert_eq!(probe.value("chat_requests_total", &never), None);
    assert_eq!(probe.value("chat_took_seconds_count", &[("way", "out")]), Some(0.0));
    assert_eq!(probe.value("chat_spent_seconds_total", &[]), Some(0.0));
    let family = [("family", "events")];
    assert_eq!(probe.value("chat_metrics_label_overflows_total", &family), Some(0.0));
}

#[test]
fn handles_move_the_series_they_name_and_no_other() {
    let (recording, everything) = start();
    let shop: App = recording.registry().label("shop");
    let before = recording.probe();
    everything.events.increment(shop, Way::Out);
    everything.events.add(4, shop, Way::In);
    everything.events.handle(shop, Way::In).increment();
    everything.requests.increment(Endpoint::Health, Way::Out);
    everything.took.observe(Duration::from_millis(250), Way::In);
    everything.took.handle(Way::In).observe_many(0.5, 3);
    everything.spent.add(0.25);
    everything.spent.handle().add(0.5);

    let moved = recording.probe().since(&before);
    let expected = Probe::of(
        "chat_events_total{app=\"shop\",way=\"out\"} 1\n\
         chat_events_total{app=\"shop\",way=\"in\"} 5\n\
         chat_requests_total{method=\"GET\",route=\"/livez\",way=\"out\"} 1\n\
         chat_took_seconds_count{way=\"in\"} 4\n\
         chat_took_seconds_sum{way=\"in\"} 1.75\n\
         chat_spent_seconds_total 0.75\n",
    );
    assert_eq!(moved.iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
}

#[test]
fn an_unknown_value_becomes_the_overflow_and_is_counted() {
    let (recording, everything) = start();
    let unknown: App = recording.registry().label("stranger");
    everything.events.add(5, unknown, Way::In);
    everything.open.set(7, unknown);
    everything.open.set(0, unknown);
    let probe = recording.probe();
    assert_eq!(probe.value("chat_events_total", &labelled("_other", "in")), Some(5.0));
    let overflows =
        |family| probe.value("chat_metrics_label_overflows_total", &[("family", family)]);
    assert_eq!(overflows("events"), Some(5.0));
    assert_eq!(overflows("open"), Some(1.0));
}

#[test]
fn configured_values_beyond_the_bound_are_the_overflow() {
    let apps = ["a", "b", "c", "d", "e"];
    let recording = Recording::with(Registry::builder().values::<App>(apps));
    let everything = Everything::register(recording.registry());
    for app in apps {
        everything.events.increment(recording.registry().label(app), Way::In);
    }
    let probe = recording.probe();
    assert_eq!(probe.value("chat_events_total", &labelled("c", "in")), Some(1.0));
    assert_eq!(probe.value("chat_events_total", &labelled("d", "in")), None);
    assert_eq!(probe.value("chat_events_total", &labelled("_other", "in")), Some(2.0));
    assert_eq!(probe.iter().filter(|(name, ..)| *name == "chat_events_total").count(), 7);
}

#[test]
fn the_bound_of_series_is_told_and_kept() {
    let (recording, _everything) = start();
    let bound = |name| {
        let known = Everything::DESCRIPTIONS.iter().find(|known| known.name == name);
        known.expect("declared").series_max()
    };
    assert_eq!(bound("chat_events_total"), 8);
    assert_eq!(bound("chat_requests_total"), 6);
    assert_eq!(bound("chat_took_seconds"), 2 * (14 + 3));
    let told = recording.probe().value("chat_metrics_series_max", &[]);
    assert_eq!(told, Some(recording.registry().series_max() as f64));
    assert!(recording.probe().series() <= recording.registry().series_max());
}

#[test]
fn a_guard_lowers_the_gauge_on_every_way_out() {
    let (recording, everything) = start();
    let main: App = recording.registry().label("main");
    let open = || recording.probe().value("chat_open", &[("app", "main")]);
    let first = everything.open.guard(main);
    let second = everything.open.handle(main).guard();
    assert_eq!(open(), Some(2.0));
    drop(first);
    let handler = std::thread::spawn(move || {
        let _held = second;
        panic!("a handler fails");
    });
    assert!(handler.join().is_err());
    assert_eq!(open(), Some(0.0));
}

#[test]
fn a_recount_leaves_nothing_behind() {
    let (recording, everything) = start();
    let app = |name| recording.registry().label::<App>(name);
    let open = |app| recording.probe().value("chat_open", &[("app", app)]);
    let counts = [(app("main"), 3), (app("shop"), 1), (app("main"), 2), (app("who"), 4)];
    everything.open.recount(counts);
    assert_eq!([open("main"), open("shop"), open("_other")], [Some(5.0), Some(1.0), Some(4.0)]);
    everything.open.recount([(app("shop"), 2)]);
    assert_eq!([open("main"), open("shop"), open("_other")], [Some(0.0), Some(2.0), Some(0.0)]);
}

#[test]
fn two_registries_in_one_process_do_not_mix() {
    let (first, everything) = start();
    let (second, _other) = start();
    everything.working.set(1);
    assert_eq!(first.probe().value("chat_working", &[]), Some(1.0));
    assert_eq!(second.probe().value("chat_working", &[]), Some(0.0));
}

#[test]
fn one_recording_reaches_every_exporter() {
    let first = Recording::new();
    let second = Recording::with(Registry::builder().recorder(first.recorder()));
    let everything = Everything::register(second.registry());
    let other: App = second.registry().label("none");
    everything.events.add(2, other, Way::In);
    everything.took.handle(Way::Out).observe_many(2.0, 3);
    everything.working.set(4);
    let guard = everything.working.guard();
    for recording in [&first, &second] {
        let probe = recording.probe();
        assert_eq!(probe.value("chat_events_total", &labelled("_other", "in")), Some(2.0));
        assert_eq!(probe.value("chat_took_seconds_count", &[("way", "out")]), Some(3.0));
        assert_eq!(probe.value("chat_took_seconds_sum", &[("way", "out")]), Some(6.0));
        assert_eq!(probe.value("chat_working", &[]), Some(5.0));
    }
    drop(guard);
    assert_eq!(first.probe().value("chat_working", &[]), Some(4.0));
}

#[test]
fn without_a_recorder_recording_does_nothing() {
    let registry = Registry::builder().build();
    let everything = Everything::register(&registry);
    everything.events.increment(registry.label("main"), Way::In);
    everything.build.set(["1"]);
    assert!(registry.series_max() > 0);
}

#[test]
fn collectors_run_at_each_exposition_when_statistics_are_manual() {
    let runs = Arc::new(AtomicU32::new(0));
    let registry = Registry::builder().build();
    let counted = Arc::clone(&runs);
    registry.add_collector(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    registry.refresh();
    registry.refresh();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn collectors_run_in_the_background_when_an_interval_is_set() {
    let interval: StatisticsInterval = "5".parse().expect("five seconds");
    let registry = Registry::builder().statistics_interval(interval).build();
    let (ran, mut runs) = tokio::sync::mpsc::channel(16);
    registry.add_collector(move || {
        // A full channel only means that the test has seen enough.
        let _ = ran.try_send(tokio::time::Instant::now());
    });
    registry.refresh();
    assert!(runs.try_recv().is_err(), "an exposition does not collect then");
    let started = tokio::time::Instant::now();
    let sampling = tokio::spawn(registry.sample());
    runs.recv().await.expect("at once");
    runs.recv().await.expect("again");
    assert!(started.elapsed() >= Duration::from_secs(5));
    sampling.abort();
}

#[test]
fn statistics_intervals_are_manual_or_seconds() {
    assert_eq!("manual".parse(), Ok(StatisticsInterval::Manual));
    let fifteen: StatisticsInterval = "15".parse().expect("seconds");
    assert_eq!(fifteen.to_string(), "15");
    for wrong in ["", "0", "-1", "1.5", "often"] {
        let error = wrong.parse::<StatisticsInterval>().expect_err(wrong);
        assert!(error.to_string().contains(&format!("{wrong:?}")), "{error}");
    }
}

#[test]
fn descriptions_carry_what_documents_need() {
    let [events, requests, ..] = Everything::DESCRIPTIONS else { panic!("declared above") };
    assert_eq!(events.help, "Events.");
    assert_eq!(events.family(), "chat_events");
    assert_eq!(events.labels.keys(), ["app", "way"]);
    let labels = requests.labels.as_slice();
    assert_eq!(labels[0].values(), ["GET", "POST"]);
    assert_eq!(labels[1].values(), ["/rooms", "/livez"]);
    assert_eq!(labels[2].values(), ["in", "out"]);
    assert_eq!(events.labels.as_slice()[0].configured_max, Some(4));
}

#[test]
fn a_part_brings_a_value_along() {
    let recording = Recording::with(Registry::builder().values::<App>(["main"]));
    let brought: App = recording.registry().add_label("brought");
    let everything = Everything::register(recording.registry());
    assert_eq!(recording.probe().value("chat_open", &[("app", "brought")]), Some(0.0));
    everything.open.set(3, brought);
    everything.open.set(4, recording.registry().add_label("main"));
    let probe = recording.probe();
    assert_eq!(probe.value("chat_open", &[("app", "brought")]), Some(3.0));
    assert_eq!(probe.value("chat_open", &[("app", "main")]), Some(4.0));
}

#[test]
fn a_value_that_comes_later_has_series_of_its_own_from_then_on() {
    let (recording, everything) = start();
    let registry = recording.registry();
    let overflow: App = registry.label("late");
    everything.events.add(2, overflow, Way::In);
    let late: App = registry.add_label("late");
    let probe = recording.probe();
    for way in ["in", "out"] {
        assert_eq!(probe.value("chat_events_total", &labelled("late", way)), Some(0.0));
    }
    assert_eq!(probe.value("chat_open", &[("app", "late")]), Some(0.0));
    everything.events.add(3, late, Way::In);
    everything.open.recount([(late, 4), (registry.label("shop"), 1)]);
    // Of four places one is the overflow's, so there is no room for another.
    let later: App = registry.add_label("later");
    assert_eq!((later, registry.add_label("late")), (overflow, late));
    everything.events.increment(later, Way::In);
    let probe = recording.probe();
    assert_eq!(probe.value("chat_events_total", &labelled("late", "in")), Some(3.0));
    assert_eq!(probe.value("chat_events_total", &labelled("_other", "in")), Some(3.0));
    assert_eq!(probe.value("chat_events_total", &labelled("later", "in")), None);
    assert_eq!(probe.value("chat_open", &[("app", "late")]), Some(4.0));
    let family = [("family", "events")];
    assert_eq!(probe.value("chat_metrics_label_overflows_total", &family), Some(3.0));
}

#[test]
fn a_handle_made_before_its_value_goes_on_with_the_series_of_that() {
    // Whoever keeps handles of all places on a hot path made them before.
    let places: Vec<App> = (0..4).map(ConfiguredLabel::at).collect();
    let (recording, everything) = start();
    let handles: Vec<_> =
        places.iter().map(|app| everything.events.handle(*app, Way::Out)).collect();
    let late: App = recording.registry().add_label("late");
    let place = places.iter().position(|app| *app == late).expect("it has a place");
    handles[place].add(7);
    let value = recording.probe().value("chat_events_total", &labelled("late", "out"));
    assert_eq!(value, Some(7.0));
}

#[test]
fn whoever_the_registry_asks_does_not_keep_it() {
    let registry = Registry::builder().build();
    let weak = registry.downgrade();
    let known: App = weak.add_label("late");
    assert_eq!(registry.label::<App>("late"), known);
    drop(registry);
    assert_eq!(weak.add_label::<App>("late"), App::at(0));
}
