//! `cargo xtask e2e`: the monitoring, proved on a live stack.

mod drills;
mod faster;
mod keeping;
mod moved;
mod old_lines;
mod panels;
mod receiver;
mod report;
mod routes;
mod ruler;
mod scene;
mod sources;
mod targets;

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::tower::Catalogue;
use crate::wait;
use crate::workspace::Workspace;
pub(crate) use drills::{AlertRule, DRILLS, NEEDS, NOT_DRILLED, ON_LOGS, names};
use drills::{Drill, parts};
pub(crate) use faster::duration;
pub(crate) use panels::{Settings, check as ask_panels};
pub(crate) use report::Report;
pub(crate) use routes::{INHIBITIONS, Inhibition};
use scene::{FACTOR, SLO_FACTOR, Scene};
pub(crate) use scene::{PROJECT, VARIABLES};

/// What is wanted of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Names of drills, or of suites; all when there are none.
    pub(crate) only: Vec<String>,
    /// Whether the stack stays, to be looked at.
    pub(crate) keep: bool,
}

impl Wanted {
    fn has(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// The names that `--only` knows.
pub(crate) fn list() {
    for (suite, what) in SUITES {
        println!("{suite:<22} {what}");
    }
    for drill in DRILLS {
        let alerts: Vec<&str> = drill.alerts.iter().copied().chain(drill.on_logs()).collect();
        println!("{:<22} {}: {}", drill.name, drill.fault, alerts.join(", "));
    }
}

/// Whether `--only` knows the name.
pub(crate) fn is_part(name: &str) -> bool {
    let mut known = SUITES.iter().map(|(suite, _)| *suite).chain(DRILLS.iter().map(|d| d.name));
    known.any(|known| known == name)
}

/// The drill that sets off this alert.
pub(crate) fn drill_for(alert: &str) -> Result<String> {
    let is_meant =
        |name: &str| name == alert || (parts(name).guide.is_none() && parts(name).alert == alert);
    let sets_off = |drill: &&Drill| {
        drill.alerts.iter().any(|name| is_meant(name))
            || drill.on_logs().any(|logged| logged == alert)
    };
    let drill = DRILLS.iter().find(sets_off);
    let drill = drill.with_context(|| format!("no drill sets off {alert}: see `e2e --list`"))?;
    Ok(drill.name.to_owned())
}

/// What people do while the stack is looked at. What they should not do is left to the drills.
const TRAFFIC: &[&str] = &[
    "steady",
    "--duration",
    "1h",
    "--users",
    "64",
    "--rooms",
    "6",
    "--rate",
    "20",
    "--errands",
    "0.04",
    "--mischief",
    "0",
    "--slow-readers",
    "0",
];

/// More than the alert on connections that collapse asks for, on its faster clock.
const MANY: &str = "avg_over_time(job:chat_connections_active:sum[1m] offset 10s) > 50";

/// How long it may take until most users have an account, a connection, and a while behind them.
const TRAFFIC_BEGINS: Duration = Duration::from_secs(180);

/// How long it may take until what was on its way has arrived.
const TRAFFIC_ENDS: Duration = Duration::from_secs(60);

const SUITES: &[(&str, &str)] = &[
    ("targets", "every scrape target is up and exports what is used of it"),
    ("panels", "every query of every panel gives something, by way of Grafana too"),
    ("logs", "the ruler of Loki has the rules on logs, and what is asked in LogQL can be"),
    ("keeping", "traces beside latencies, and samples for as long as is promised"),
    ("routes", "who hears of an alert, and what mutes it"),
    ("metrics", "every declared metric has moved"),
];

/// Starts the stack, uses it, hurts it, and reports. Says whether nothing failed.
pub(crate) fn run(workspace: &Workspace, wanted: &Wanted) -> Result<bool> {
    for name in &wanted.only {
        ensure!(is_part(name), "there is no {name}: see --list");
    }
    let speed = format!("{}× (error budgets: {}×)", FACTOR.0, SLO_FACTOR.0);
    let mut report = Report::new(speed);
    let catalogue = Catalogue::of(&workspace.root)?;
    let scene = Scene::set(workspace, wanted.keep)?;
    for service in scene.stack.left_out() {
        report.leave_out(format!("{service}: no image here"));
    }
    let traffic = scene.load("steady", TRAFFIC)?;
    report.check("traffic", "many are there, and have been for a while", || many_are_there(&scene));
    if wanted.has("targets") {
        targets::check(&scene, &catalogue, &mut report)?;
        targets::check_victoria_metrics(&scene, &mut report);
    }
    if wanted.has("routes") {
        routes::check(&scene, &mut report);
        let what = "the runbooks of what is not drilled: their questions are answered";
        report.check("routes", what, || drills::check_undrilled(&scene));
    }
    if wanted.only.is_empty() {
        report.check("drill", "every alert has one, or a reason why not", || {
            drills::check_complete(&scene)
        });
    }
    for drill in DRILLS.iter().filter(|drill| wanted.has(drill.name)) {
        if let Some(service) = drill.needs().filter(|service| !scene.stack.runs(service)) {
            report.leave_out(format!("the drill {}: {service} has no image here", drill.name));
            continue;
        }
        for alert in drill.on_logs().filter(|_| !scene.stack.runs("loki")) {
            report.leave_out(format!("the drill of {alert}: loki has no image here"));
        }
        drills::run(drill, &scene, &mut report);
    }
    if wanted.has("panels") {
        panels::check(workspace, &scene.stack, Settings::Everything, &mut report)?;
    }
    if wanted.has("keeping") {
        keeping::check(&scene, &mut report);
        old_lines::check(&scene, &mut report)?;
    }
    if wanted.has("logs") {
        ruler::check(&scene, &mut report)?;
    }
    if wanted.has("metrics") {
        moved::check(&scene, &catalogue, &mut report);
    }
    report.check("traffic", "whatever was acknowledged arrived, once and in order", || {
        traffic.finish(TRAFFIC_ENDS)
    });
    for (alert, why) in NOT_DRILLED {
        report.leave_out(format!("the drill of {alert}: {why}"));
    }
    report.write(&scene.folder)?;
    print!("\n{}\n{}", report.tables(), report.summary());
    Ok(report.failed() == 0)
}

/// Drills compare with what was before: the first one, too, has a before.
fn many_are_there(scene: &Scene<'_>) -> Result<()> {
    wait::patiently(MANY, TRAFFIC_BEGINS, || {
        let rows = scene.prometheus.rows(MANY)?;
        ensure!(!rows.is_empty(), "there are not so many");
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_is_found_by_its_alert_with_or_without_a_severity() {
        let drill = |alert| drill_for(alert).ok();
        let burn = drill("ChatLatencyErrorBudgetBurn");
        assert!(burn.is_some());
        assert_eq!(burn, drill("ChatLatencyErrorBudgetBurn:warning"));
        assert_eq!(
            drill("messenger/HighMessageLatency:critical").as_deref(),
            Some("store-very-slow")
        );
        assert_eq!(drill("ChatLatencyErrorBudgetBurn:info"), None);
        assert_eq!(drill("NoSuchAlert"), None);
    }
}
