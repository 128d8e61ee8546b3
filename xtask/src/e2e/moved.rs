//! Every metric that the servers declare has moved while they were used and hurt.

use std::time::Duration;

use anyhow::{Result, ensure};
use minreq::Method;
use serde_json::Value;

use super::drills::NODE;
use super::report::Report;
use super::scene::Scene;
use crate::live::Client;
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

/// Until the balancer sends nobody any more to a server that hangs.
const NOTICED_DEADLINE: Duration = Duration::from_secs(30);

const SEEN_DEADLINE: Duration = Duration::from_secs(15);

/// Metrics that nothing moves from outside, and why; the servers' own tests move them.
const NOT_MOVED: &[(&str, &str)] = &[
    ("chat_runtime_panics_total", "a panic is a fault of ours, and none is known"),
    (
        "chat_metrics_label_overflows_total",
        "all labels of a server with one application are closed",
    ),
    ("chat_metrics_exporter_errors_total", "an answer to a scrape that fails is a fault of ours"),
];

pub(crate) fn check(scene: &Scene<'_>, catalogue: &Catalogue, report: &mut Report) {
    report.check("metrics", "what no drill does is done, too", || stir(scene));
    for metric in catalogue.ours() {
        if let Some((name, why)) = NOT_MOVED.iter().find(|(name, _)| *name == metric.name) {
            report.leave_out(format!("the movement of {name}: {why}"));
            continue;
        }
        report.check("metrics", &format!("{} has moved", metric.name), || {
            wait::patiently("it moves", SEEN_DEADLINE, || moved(scene, metric))
        });
    }
}

/// People misbehave, and an operator looks at the cluster while one of its nodes hangs.
fn stir(scene: &Scene<'_>) -> Result<()> {
    let mut mischief = scene.load("mischief", MISCHIEF)?;
    let add = ["campanile", "user", "add", "watch", "--operator", "--password-stdin"];
    let add = [&add[..], &["--config", "/etc/campanile/campanile.toml"]].concat();
    scene.stack.tell("campanile-1", &add, Client::PASSWORD)?;
    let api = format!("http://{}/api/v1", scene.front);
    let watch = Client::nobody(api, "watch").log_in()?;
    wait::patiently("the mischief is over", MISCHIEF_ENDS, || {
        ensure!(mischief.check_running().is_err(), "it goes on");
        Ok(())
    })?;
    scene.stack.pause(NODE)?;
    let answer = wait::patiently("the other node answers", NOTICED_DEADLINE, || {
        watch.request(Method::Get, "/stats", &Value::Null)
    });
    scene.stack.resume(NODE)?;
    answer.map(drop)
}

/// A counter or a histogram has counted; a gauge has been something else than nothing.
fn moved(scene: &Scene<'_>, metric: &Metric) -> Result<()> {
    let name = &metric.name;
    let query = match metric.kind {
        Kind::Histogram => format!("max(max_over_time({name}_count{{job=\"chat\"}}[{WINDOW}]))"),
        Kind::Counter | Kind::Gauge | Kind::Info => {
            format!("max(max_over_time({name}{{job=\"chat\"}}[{WINDOW}]))")
        }
    };
    let most = scene.prometheus.value(&query)?;
    ensure!(most > 0.0, "it was never more than {most}");
    Ok(())
}
