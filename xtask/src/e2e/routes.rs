//! Alertmanager's own part: who hears of what, what mutes what, and that one can have quiet.

use std::collections::BTreeMap;
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

/// What each of ours has as its instance, which no alert of a rule has.
const POSTED: &str = "e2e";

/// An alert, and one that it mutes; each by its name and severity.
pub(crate) struct Inhibition {
    pub(crate) source: (&'static str, &'static str),
    pub(crate) target: (&'static str, &'static str),
}

/// One for each rule that mutes: `cargo xtask check` demands it.
pub(crate) const INHIBITIONS: &[Inhibition] = &[
    Inhibition {
        source: ("ChatServerAbsent", "critical"),
        target: ("ChatHttpLatencyHigh", "warning"),
    },
    Inhibition { source: ("ChatServerDown", "critical"), target: ("ChatMemoryHigh", "warning") },
    Inhibition {
        source: ("ChatApiErrorBudgetBurn", "critical"),
        target: ("ChatApiErrorBudgetBurn", "warning"),
    },
    Inhibition {
        source: ("ChatDeliveryLatencyVeryHigh", "critical"),
        target: ("ChatDeliveryLatencyHigh", "warning"),
    },
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
    for Inhibition { source, target } in INHIBITIONS {
        let name = format!("{} ({}) mutes {} ({})", source.0, source.1, target.0, target.1);
        report.check("routes", &name, || {
            // A job of its own, so that it mutes nothing that is real.
            let job = format!("muted-by-{}", source.0);
            post(scene, target.0, target.1, &job)?;
            listed(scene, *target, &job, |status| status["state"] == "active")
                .context("it is not heard while nothing mutes it")?;
            post(scene, source.0, source.1, &job)?;
            suppressed(scene, *target, &job, "inhibitedBy")
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
    suppressed(scene, ("Silenced", "critical"), "routes", "silencedBy")?;
    // Until one that came later is heard, it would have been.
    post(scene, "NotSilenced", "critical", "routes")?;
    arrives(scene, "NotSilenced", "page", Some(since))?;
    let notices = scene.receiver().notices();
    ensure!(!notices.iter().any(|notice| notice.is_of("Silenced")), "it was heard all the same");
    Ok(())
}

fn post(scene: &Scene<'_>, alert: &str, severity: &str, job: &str) -> Result<()> {
    let labels = json!({
        "alertname": alert, "severity": severity, "job": job, "instance": POSTED,
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
fn suppressed(scene: &Scene<'_>, alert: (&str, &str), job: &str, why: &str) -> Result<()> {
    listed(scene, alert, job, |status| {
        status["state"] == "suppressed" && status[why].as_array().is_some_and(|by| !by.is_empty())
    })
}

/// Waits until Alertmanager lists the alert with such a status.
fn listed(
    scene: &Scene<'_>,
    alert: (&str, &str),
    job: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Result<()> {
    let url = format!("http://{}/api/v2/alerts", scene.alertmanager);
    wait::patiently(&format!("{} ({}) is as it should be", alert.0, alert.1), DEADLINE, || {
        let answer = minreq::get(&url).with_timeout(10).send()?;
        let alerts: Vec<Value> = serde_json::from_str(answer.as_str()?)?;
        let status = status(&alerts, alert, job).context("Alertmanager does not have it")?;
        ensure!(is_so(status), "it is {status}");
        Ok(())
    })
}

/// How the alert of this name and severity fares, of this job.
fn status<'a>(alerts: &'a [Value], (name, severity): (&str, &str), job: &str) -> Option<&'a Value> {
    let found = alerts.iter().find(|alert| {
        let labels = &alert["labels"];
        labels["alertname"] == name && labels["severity"] == severity && labels["job"] == job
    });
    found.map(|alert| &alert["status"])
}

/// Whether an alert with these labels was posted here, and no rule made it.
pub(crate) fn is_posted(labels: &BTreeMap<String, String>) -> bool {
    labels.get("instance").is_some_and(|instance| instance == POSTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_is_muted_is_told_from_the_one_that_mutes() {
        let alert = |severity: &str, job: &str, state: &str| {
            json!({"labels": {"alertname": "Burn", "severity": severity, "job": job},
                "status": {"state": state}})
        };
        let alerts = [
            alert("critical", "ours", "active"),
            alert("warning", "chat", "active"),
            alert("warning", "ours", "suppressed"),
        ];
        let state = |severity, job| {
            status(&alerts, ("Burn", severity), job).map(|status| status["state"].clone())
        };
        assert_eq!(state("warning", "ours"), Some("suppressed".into()));
        assert_eq!(state("critical", "ours"), Some("active".into()));
        assert_eq!(state("info", "ours"), None);
    }

    #[test]
    fn what_is_posted_here_is_no_alert_of_a_rule() {
        let labels =
            |instance: &str| BTreeMap::from([("instance".to_owned(), instance.to_owned())]);
        assert!(is_posted(&labels(POSTED)));
        assert!(!is_posted(&labels("campanile-2:9601")) && !is_posted(&BTreeMap::new()));
    }
}
