//! Alertmanager's own part: who hears of what, what mutes what, and that one can have quiet.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::report::Report;
use super::scene::Scene;
use crate::wait;

const DEADLINE: Duration = Duration::from_secs(30);

/// Each severity, and the receiver that its alerts go to.
const ROUTES: &[(&str, &str)] =
    &[("critical", "page"), ("warning", "channel"), ("info", "mail"), ("none", "watchdog")];

/// An alert, and one that it mutes.
const INHIBITIONS: &[(&str, &str, &str)] = &[
    ("ChatServerAbsent", "critical", "ChatHttpLatencyHigh"),
    ("ChatServerDown", "critical", "ChatMemoryHigh"),
    ("ChatDeliveryLatencyVeryHigh", "critical", "ChatDeliveryLatencyHigh"),
];

pub(crate) fn check(scene: &Scene<'_>, report: &mut Report) {
    report.check("routes", "the configuration as it is shipped is well made", || {
        let check = ["amtool", "check-config", "/etc/as-shipped/alertmanager.yml"];
        scene.stack.exec("alertmanager", &check).map(drop)
    });
    report
        .check("routes", "the watchdog is heard", || arrives(scene, "Watchdog", "watchdog", None));
    for (severity, receiver) in ROUTES {
        report.check("routes", &format!("{severity} goes to {receiver}"), || {
            let since = Instant::now();
            let alert = format!("Route{severity}");
            post(scene, &alert, severity, "routes")?;
            arrives(scene, &alert, receiver, Some(since))
        });
    }
    for (source, severity, target) in INHIBITIONS {
        report.check("routes", &format!("{source} mutes {target}"), || {
            // A job of its own, so that it mutes nothing that is real.
            let job = format!("muted-by-{source}");
            post(scene, source, severity, &job)?;
            post(scene, target, "warning", &job)?;
            suppressed(scene, target, &job, "inhibitedBy")
        });
    }
    report.check("routes", "a silence is kept", || silence(scene));
}

fn silence(scene: &Scene<'_>) -> Result<()> {
    let since = Instant::now();
    let time = |expression: &str| -> Result<Value> {
        let seconds = scene.prometheus.value(expression)?;
        let shell = xshell::Shell::new()?;
        let at = format!("@{}", seconds as u64);
        Ok(xshell::cmd!(shell, "date --utc --date {at} +%Y-%m-%dT%H:%M:%SZ").quiet().read()?.into())
    };
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Silenced", "isRegex": false}],
        "startsAt": time("vector(time())")?, "endsAt": time("vector(time()) + 600")?,
        "createdBy": "e2e", "comment": "a silence is kept",
    });
    let answer = scene.alertmanager_post("silences", &silence)?;
    ensure!(answer["silenceID"].is_string(), "it has no id: {answer}");
    post(scene, "Silenced", "critical", "routes")?;
    suppressed(scene, "Silenced", "routes", "silencedBy")?;
    ensure!(scene.received("Silenced", true, since).is_empty(), "it was heard all the same");
    Ok(())
}

fn post(scene: &Scene<'_>, alert: &str, severity: &str, job: &str) -> Result<()> {
    let labels = json!({
        "alertname": alert, "severity": severity, "job": job, "instance": "e2e",
    });
    scene.alertmanager_post("alerts", &json!([{"labels": labels}])).map(drop)
}

/// Waits until the receiver is told of the alert, and sees that no other one was.
fn arrives(scene: &Scene<'_>, alert: &str, receiver: &str, since: Option<Instant>) -> Result<()> {
    let notice = wait::patiently(&format!("{alert} at {receiver}"), DEADLINE, || {
        let mut notices = scene.receiver().notices().into_iter();
        let notice = notices
            .find(|notice| notice.is_of(alert) && since.is_none_or(|since| notice.at >= since));
        notice.context("it was not received")
    })?;
    ensure!(notice.receiver == receiver, "it went to {}", notice.receiver);
    Ok(())
}

/// Waits until Alertmanager keeps the alert to itself for this reason.
fn suppressed(scene: &Scene<'_>, alert: &str, job: &str, why: &str) -> Result<()> {
    let url = format!("http://{}/api/v2/alerts", scene.alertmanager);
    wait::patiently(&format!("{alert} is muted"), DEADLINE, || {
        let answer = minreq::get(&url).with_timeout(10).send()?;
        let alerts: Vec<Value> = serde_json::from_str(answer.as_str()?)?;
        let found = alerts
            .iter()
            .find(|found| found["labels"]["alertname"] == alert && found["labels"]["job"] == job);
        let status = &found.context("Alertmanager does not have it")?["status"];
        let muted = status["state"] == "suppressed"
            && status[why].as_array().is_some_and(|by| !by.is_empty());
        ensure!(muted, "it is {status}");
        Ok(())
    })
}
