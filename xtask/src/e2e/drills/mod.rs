//! Fire drills: a real fault, and every alert that is to ring is seen to ring and to fall silent.

mod faults;
mod hurts;
mod names;
mod watch;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::report::{self, Report};
use super::scene::Scene;
use super::sources;
use crate::tower::Runbook;
use crate::wait;

pub(crate) use faults::{DRILLS, NEEDS, NODE, NOT_DRILLED, ON_LOGS};
pub(crate) use names::{AlertRule, is_called, names, parts};
use watch::Watch;

/// From the fault to the notification, on the faster clock.
const RING_DEADLINE: Duration = Duration::from_secs(240);

/// From the end of the fault to the news that it is over.
const SILENCE_DEADLINE: Duration = Duration::from_secs(180);

/// A stack that is hurt may answer late.
const LOOK_DEADLINE: Duration = Duration::from_secs(20);

/// A fault, and the alerts that it is to set off.
pub(crate) struct Drill {
    /// What it is called by those who want only this one.
    pub(crate) name: &'static str,
    /// What is done, in the past tense.
    pub(crate) fault: &'static str,
    /// By what they are called: `Alert`, `guide/Alert`, `Alert:severity` (names.rs).
    pub(crate) alerts: &'static [&'static str],
    /// Hurts the stack, and says how it is healed.
    pub(crate) hurt: fn(&Scene<'_>) -> Result<Heal>,
}

impl Drill {
    /// What it sets off on logs, where Loki runs.
    pub(crate) fn on_logs(&self) -> impl Iterator<Item = &'static str> {
        let ours = ON_LOGS.iter().filter(|(_, drill)| *drill == self.name);
        ours.map(|(alert, _)| *alert)
    }

    /// The service without which it cannot be run.
    pub(crate) fn needs(&self) -> Option<&'static str> {
        NEEDS.iter().find(|(drill, _)| *drill == self.name).map(|(_, service)| *service)
    }

    /// Everything that it sets off here.
    fn alerts_here(&self, scene: &Scene<'_>) -> Vec<&'static str> {
        let on_logs = self.on_logs().filter(|_| scene.stack.runs("loki"));
        self.alerts.iter().copied().chain(on_logs).collect()
    }
}

/// What ends a fault.
pub(crate) type Heal = Box<dyn FnOnce(&Scene<'_>) -> Result<()>>;

/// Runs a drill: pending, firing, received, healed, resolved.
pub(crate) fn run(drill: &Drill, scene: &Scene<'_>, report: &mut Report) {
    println!("\n--- drill {}: {}", drill.name, drill.fault);
    let alerts = drill.alerts_here(scene);
    let mut watch = Watch::new(&alerts);
    let quiet = report.check("drill", &format!("{}: silence before", drill.name), || {
        wait::patiently("the alerts are silent", SILENCE_DEADLINE, || {
            let ringing = Watch::states(scene, &alerts)?;
            ensure!(ringing.is_empty(), "still ringing: {}", ringing.join(", "));
            Ok(())
        })
    });
    if !quiet {
        record(drill, &watch, report);
        return;
    }
    let hurt_at = Instant::now();
    let heal = (drill.hurt)(scene);
    let rang = report.check("drill", &format!("{}: rings", drill.name), || {
        if let Err(error) = &heal {
            anyhow::bail!("the fault could not be made: {error:#}");
        }
        wait::patiently("every alert is received", RING_DEADLINE, || {
            watch.look(scene, hurt_at)?;
            watch.all_rang()
        })
    });
    if rang {
        report.check(
            "drill",
            &format!("{}: the runbooks' questions are answered", drill.name),
            || wait::patiently("they are", LOOK_DEADLINE, || diagnose(&alerts, scene)),
        );
    }
    // An alert that does not fire by now has ended by itself.
    let before = wait::patiently("Prometheus tells of the alerts", LOOK_DEADLINE, || {
        watch.look(scene, hurt_at)
    });
    let healed_at = Instant::now();
    report.check("drill", &format!("{}: falls silent", drill.name), || {
        match heal {
            Ok(heal) => heal(scene)?,
            // Half of the fault may have been made.
            Err(_) => scene.stack.mend()?,
        }
        before?;
        wait::patiently("every alert is resolved", SILENCE_DEADLINE, || {
            watch.look(scene, hurt_at)?;
            watch.look_for_silence(scene, hurt_at, healed_at);
            watch.all_silent()
        })
    });
    record(drill, &watch, report);
}

/// Every alert that Prometheus knows is set off by a drill, or it is said why by none.
pub(crate) fn check_complete(scene: &Scene<'_>) -> Result<()> {
    let drilled: Vec<&str> = DRILLS.iter().flat_map(|drill| drill.alerts).copied().collect();
    let excused = |alert: &str| NOT_DRILLED.iter().any(|(name, _)| *name == alert);
    let on_logs = |alert: &str| ON_LOGS.iter().any(|(name, _)| *name == alert);
    let known = watch::states(scene, true)?.into_keys();
    let missing: Vec<String> = known
        .filter(|alert| !drilled.contains(&alert.as_str()) && !excused(alert) && !on_logs(alert))
        .collect();
    ensure!(missing.is_empty(), "no drill sets off {}", missing.join(", "));
    Ok(())
}

/// What the runbooks of those that no drill sets off tell one to ask can be answered, too.
pub(crate) fn check_undrilled(scene: &Scene<'_>) -> Result<()> {
    let alerts: Vec<&str> = NOT_DRILLED.iter().map(|(alert, _)| *alert).collect();
    wait::patiently("they are", LOOK_DEADLINE, || diagnose(&alerts, scene))
}

fn record(drill: &Drill, watch: &Watch, report: &mut Report) {
    for (alert, seen) in watch.seen() {
        report.drill(report::Drill {
            alert: alert.to_owned(),
            fault: drill.fault.to_owned(),
            pending: seen.pending,
            firing: seen.firing,
            notified: seen.notified,
            resolved: seen.resolved,
        });
    }
}

/// Asks what the runbooks of the alerts tell one to ask while they ring. Each question has an
/// answer: one that gives nothing helps nobody at night.
fn diagnose(alerts: &[&str], scene: &Scene<'_>) -> Result<()> {
    let mut silent = Vec::new();
    let loki = sources::loki(&scene.stack)?;
    let ours = alerts.iter().map(|alert| parts(alert)).filter(|parts| parts.guide.is_none());
    // Two of one name have one runbook.
    let ours: BTreeSet<&str> = ours.map(|parts| parts.alert).collect();
    for alert in ours {
        let path = scene.workspace.root.join(format!("docs/runbooks/{alert}.md"));
        let text = std::fs::read_to_string(&path)?;
        let asked = Runbook::parse(&text).fences;
        for fence in asked {
            let rows = match fence.language.as_str() {
                "promql" => scene.prometheus.rows(fence.text.trim())?.len(),
                "logql" => match &loki {
                    Some(loki) => loki.lately(fence.text.trim())?,
                    None => continue,
                },
                _ => continue,
            };
            if rows == 0 {
                silent.push(format!("{alert}.md:{} gives nothing", fence.line));
            }
        }
    }
    ensure!(silent.is_empty(), "{}", silent.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(name: &str) -> &'static Drill {
        DRILLS.iter().find(|drill| drill.name == name).expect("there is one")
    }

    #[test]
    fn a_drill_knows_what_it_sets_off_on_logs_and_what_it_needs() {
        let on_logs: Vec<&str> = drill("flood").on_logs().collect();
        assert_eq!(on_logs, ["ChatRateLimitHitsLogged"]);
        assert_eq!(drill("redis-full").on_logs().count(), 0);
        assert_eq!(drill("loki-stopped").needs(), Some("loki"));
        assert_eq!(drill("log-store-gone").needs(), None);
        assert_eq!(
            super::super::drill_for("ChatErrorsLogged").ok().as_deref(),
            Some("postgres-stopped")
        );
    }
}
