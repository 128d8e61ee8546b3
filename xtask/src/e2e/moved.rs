//! Every metric that the servers declare has moved while they were used and hurt.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use minreq::Method;
use serde_json::Value;

use super::drills::NODE;
use super::report::Report;
use super::scene::Scene;
use crate::live::{Client, Questions};
use crate::tower::{Catalogue, Kind, Metric};
use crate::wait;

/// The run is shorter than this.
const WINDOW: &str = "2h";

/// A little of everything that people should not do, and of what they seldom do.
const MISCHIEF: &[&str] = &[
    "steady",
    "--duration",
    "20s",
    "--users",
    "8",
    "--rate",
    "10",
    "--errands",
    "2",
    "--mischief",
    "1",
];

const MISCHIEF_ENDS: Duration = Duration::from_secs(90);

/// How many ask at once what every node has to answer.
const ASKING: usize = 16;

const SEEN_DEADLINE: Duration = Duration::from_secs(15);

/// Metrics that nothing moves from outside, and why; the servers' own tests move them.
const NOT_MOVED: &[(&str, &str)] = &[
    ("chat_runtime_panics_total", "a panic is a fault of ours, and none is known"),
    (
        "chat_metrics_label_overflows_total",
        "it takes more than 64 applications; the tests of the crate for metrics move it",
    ),
    ("chat_metrics_exporter_errors_total", "an answer to a scrape that fails is a fault of ours"),
];

/// Gauges that are the same all the time, and why. They are something else than nothing.
const CONSTANT: &[(&str, &str)] = &[
    ("chat_connections_max", "it is set"),
    ("chat_storage_pool_connections_max", "it is set"),
    ("chat_log_shipper_buffer_max_entries", "it is set"),
    ("chat_log_shipper_buffer_max_bytes", "it is set"),
    ("chat_cache_max_bytes", "it is set for Redis, and stays as it is"),
    ("chat_storage_schema_version", "there is one version of the program"),
    ("chat_metrics_series_max", "it is a sum of what the program declares"),
    ("chat_metrics_exporter_up", "an exporter that fails is a fault of ours, and none is known"),
    ("chat_cluster_nodes_expected", "no drill takes a node away on purpose"),
    ("chat_runtime_workers", "it is chosen at the start, by what the machine has"),
    ("chat_memory_limit_bytes", "it is the container's"),
    ("chat_cpu_limit_cores", "it is the container's"),
    ("chat_volume_size_bytes", "no drill changes the size of a disk"),
    ("process_max_fds", "it is the container's"),
];

pub(crate) fn check(scene: &Scene<'_>, catalogue: &Catalogue, report: &mut Report) {
    report.check("metrics", "what no drill does is done, too", || stir(scene));
    for (name, why) in NOT_MOVED {
        report.leave_out(format!("the movement of {name}: {why}"));
    }
    let is_excused = |metric: &Metric| NOT_MOVED.iter().any(|(name, _)| *name == metric.name);
    let asked: Vec<&Metric> = catalogue.ours().filter(|metric| !is_excused(metric)).collect();
    let mut unmoved = asked.clone();
    // All are waited for together. Which never move is told below, one by one.
    let _all_moved = wait::patiently("all of them move", SEEN_DEADLINE, || {
        unmoved.retain(|metric| moved(&scene.prometheus, metric).is_err());
        ensure!(unmoved.is_empty(), "{} do not", unmoved.len());
        Ok(())
    });
    for metric in asked {
        let what = if is_constant(metric) { "is something" } else { "has moved" };
        let is_unmoved = unmoved.iter().any(|unmoved| unmoved.name == metric.name);
        report.check("metrics", &format!("{} {what}", metric.name), || {
            if is_unmoved { moved(&scene.prometheus, metric) } else { Ok(()) }
        });
    }
}

/// People misbehave, and an operator looks at the cluster while one of its nodes hangs.
fn stir(scene: &Scene<'_>) -> Result<()> {
    scene.stack.operator("watch", Client::PASSWORD)?;
    let api = format!("http://{}/api/v1", scene.front);
    let watch = Client::let_in(&api, "watch", Client::PASSWORD)?;
    let mut mischief = scene.load("mischief", MISCHIEF)?;
    wait::patiently("the mischief is over", MISCHIEF_ENDS, || {
        ensure!(mischief.check_running().is_err(), "it goes on");
        Ok(())
    })?;
    scene.stack.pause(NODE)?;
    let missed = miss_an_answer(&watch);
    scene.stack.resume(NODE)?;
    missed
}

/// A node that hangs is counted as alive for some seconds, in which the balancer still sends people
/// there: of many who ask at once, one at least is sent to the other, whom an answer fails.
fn miss_an_answer(watch: &Client) -> Result<()> {
    let ask = || watch.request(Method::Get, "/nodes", &Value::Null);
    let answers: Vec<Result<Value>> = thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKING).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().expect("nobody panics")).collect()
    });
    let is_missing = |node: &Value| node["alive"] == true && node["connections"].is_null();
    let misses =
        |answer: &Value| answer["nodes"].as_array().is_some_and(|n| n.iter().any(is_missing));
    let has_missed = answers.iter().flatten().any(misses);
    ensure!(has_missed, "no answer was missing: {answers:?}");
    Ok(())
}

fn is_constant(metric: &Metric) -> bool {
    CONSTANT.iter().any(|(name, _)| *name == metric.name)
}

/// A counter or a histogram has counted; a gauge has been two things, or something else than nothing
/// where it is constant.
fn moved(prometheus: &Questions, metric: &Metric) -> Result<()> {
    let name = &metric.name;
    let over = |function: &str, series: &str| {
        let (which, _) = function.split_once('_').unwrap_or((function, ""));
        format!("{which}({function}({series}{{job=\"chat\"}}[{WINDOW}]))")
    };
    let series =
        if metric.kind == Kind::Histogram { format!("{name}_count") } else { name.clone() };
    let most = prometheus.value(&over("max_over_time", &series))?;
    if metric.kind != Kind::Gauge {
        ensure!(most > 0.0, "it was never more than {most}");
        return Ok(());
    }
    let least = prometheus.value(&over("min_over_time", &series))?;
    // Nothing of this is true of what is no number.
    let is_well = if is_constant(metric) { most.abs() > 0.0 } else { most > least };
    ensure!(is_well, "it was {most} all the time, everywhere");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::live::StandIn;

    fn said(kind: &str, most: &str, least: &str) -> String {
        said_of("chat_a", kind, most, least)
    }

    fn said_of(name: &str, kind: &str, most: &str, least: &str) -> String {
        let metrics =
            format!(r#"[{{"name": "{name}", "kind": "{kind}", "labels": [], "buckets": [1]}}]"#);
        let catalogue = Catalogue::parse(&metrics, "").expect("it is a catalogue");
        let answer = |value: &str| -> &'static str {
            let row = format!(r#"{{"metric": {{}}, "value": [1, "{value}"]}}"#);
            format!(
                r#"{{"status": "success", "data": {{"resultType": "vector", "result": [{row}]}}}}"#
            )
            .leak()
        };
        let standin = StandIn::start(Box::leak(Box::new([
            ("/api/v1/query?query=max", 200, answer(most)),
            ("/api/v1/query?query=min", 200, answer(least)),
        ])));
        let metric = catalogue.ours().next().expect("there is one");
        let seen = moved(&Questions { address: standin.address }, metric);
        seen.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_gauge_has_been_two_things() {
        for (most, least) in [("1", "0"), ("0", "-1"), ("2", "1")] {
            assert_eq!(said("gauge", most, least), "", "{most} to {least}");
        }
        for same in ["0", "1", "-1", "NaN"] {
            let expected = format!("it was {same} all the time, everywhere");
            assert_eq!(said("gauge", same, same), expected);
        }
    }

    #[test]
    fn a_gauge_that_is_constant_has_been_something_else_than_nothing() {
        let (name, _) = CONSTANT[0];
        assert_eq!(said_of(name, "gauge", "160", "160"), "");
        for nothing in ["0", "NaN"] {
            let expected = format!("it was {nothing} all the time, everywhere");
            assert_eq!(said_of(name, "gauge", nothing, nothing), expected);
        }
    }

    #[test]
    fn a_counter_has_counted() {
        assert_eq!(said("counter", "1", "0"), "");
        assert_eq!(said("counter", "0", "0"), "it was never more than 0");
        assert_eq!(said("histogram", "0", "0"), "it was never more than 0");
    }

    #[test]
    fn what_is_excused_is_declared() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
        let catalogue = Catalogue::of(root).expect("it is read");
        for (name, why) in NOT_MOVED {
            let is_declared = catalogue.ours().any(|metric| metric.name == *name);
            assert!(is_declared && !why.is_empty(), "{name}");
        }
        for (name, why) in CONSTANT {
            let metric = catalogue.ours().find(|metric| metric.name == *name);
            let is_gauge = metric.is_some_and(|metric| metric.kind == Kind::Gauge);
            assert!(is_gauge && !why.is_empty(), "{name}");
            assert!(NOT_MOVED.iter().all(|(excused, _)| excused != name), "{name} is there twice");
        }
    }
}
