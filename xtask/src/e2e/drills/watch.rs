//! The alerts of one drill, as Prometheus and the receiver of Alertmanager see them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::super::scene::Scene;

/// When each step of an alert was first seen, counted from the fault, and the end from its healing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) pending: Option<Duration>,
    pub(crate) firing: Option<Duration>,
    pub(crate) notified: Option<Duration>,
    pub(crate) resolved: Option<Duration>,
}

pub(super) struct Watch {
    alerts: BTreeMap<&'static str, Seen>,
}

impl Watch {
    pub(super) fn new(alerts: &'static [&'static str]) -> Self {
        Self { alerts: alerts.iter().map(|alert| (*alert, Seen::default())).collect() }
    }

    /// Which of the alerts are not silent in Prometheus now.
    pub(super) fn states(scene: &Scene<'_>, alerts: &[&str]) -> Result<Vec<String>> {
        let states = states(scene)?;
        let ringing = states
            .into_iter()
            .filter(|(alert, state)| alerts.contains(&alert.as_str()) && state != "inactive");
        Ok(ringing.map(|(alert, state)| format!("{alert} ({state})")).collect())
    }

    /// Notes which steps can be seen by now.
    pub(super) fn look(&mut self, scene: &Scene<'_>, hurt_at: Instant) -> Result<()> {
        let states = states(scene)?;
        let now = hurt_at.elapsed();
        for (alert, seen) in &mut self.alerts {
            match states.get(*alert).map(String::as_str) {
                Some("pending") => {
                    seen.pending.get_or_insert(now);
                }
                Some("firing") => {
                    // One that does not wait is never seen pending.
                    seen.pending.get_or_insert(now);
                    seen.firing.get_or_insert(now);
                }
                Some(_) => {}
                None => anyhow::bail!("Prometheus has no alert {alert}"),
            }
            if let Some(at) = scene.received(alert, true, hurt_at) {
                let time = at.duration_since(hurt_at);
                seen.notified.get_or_insert(time);
                // It fired, though between two looks.
                seen.firing.get_or_insert(time);
            }
        }
        Ok(())
    }

    pub(super) fn look_for_silence(
        &mut self,
        scene: &Scene<'_>,
        hurt_at: Instant,
        healed_at: Instant,
    ) -> Result<()> {
        let states = states(scene)?;
        for (alert, seen) in &mut self.alerts {
            let over = scene.received(alert, false, hurt_at);
            let is_silent = states.get(*alert).is_some_and(|state| state == "inactive");
            if let Some(at) = over.filter(|_| is_silent) {
                seen.resolved.get_or_insert(at.saturating_duration_since(healed_at));
            }
        }
        Ok(())
    }

    pub(super) fn all_rang(&self) -> Result<()> {
        self.all("was not seen to ring", |seen| seen.firing.is_some() && seen.notified.is_some())
    }

    /// Those that did not ring have been complained of.
    pub(super) fn all_silent(&self) -> Result<()> {
        self.all("was not seen to fall silent", |seen| {
            seen.notified.is_none() || seen.resolved.is_some()
        })
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = (&'static str, Seen)> {
        self.alerts.iter().map(|(alert, seen)| (*alert, *seen))
    }

    fn all(&self, what: &str, done: impl Fn(&Seen) -> bool) -> Result<()> {
        let missing: Vec<&str> =
            self.alerts.iter().filter(|(_, seen)| !done(seen)).map(|(alert, _)| *alert).collect();
        ensure!(missing.is_empty(), "{} {what}", missing.join(", "));
        Ok(())
    }
}

/// The state of every alert that Prometheus knows, as `Alert` or `profile/Alert`. Of two rules of
/// one name, as for two severities, the louder counts.
pub(super) fn states(scene: &Scene<'_>) -> Result<BTreeMap<String, String>> {
    let answer = scene.prometheus.get("rules", &[("type", "alert")])?;
    let groups = answer["groups"].as_array().cloned().unwrap_or_default();
    let mut states: BTreeMap<String, String> = BTreeMap::new();
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten()) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let alert = identity(&text(&rule["name"]), rule["labels"]["profile"].as_str());
        let state = text(&rule["state"]);
        let known = states.entry(alert).or_insert_with(|| state.clone());
        if loudness(&state) > loudness(known) {
            *known = state;
        }
    }
    Ok(states)
}

/// What an alert is called here: guides have alerts of the same name.
pub(crate) fn identity(name: &str, profile: Option<&str>) -> String {
    profile.map_or_else(|| name.to_owned(), |profile| format!("{profile}/{name}"))
}

fn loudness(state: &str) -> usize {
    ["inactive", "pending", "firing"].iter().position(|known| *known == state).unwrap_or(0)
}
