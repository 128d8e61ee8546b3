//! The alerts of one drill, as Prometheus and the receiver of Alertmanager see them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::super::report::End;
use super::super::scene::Scene;
use super::super::sources;
use super::faults::ON_LOGS;

/// How long after the healing the news may come of an alert that ended just before it.
const NEWS_TIME_MAX: Duration = Duration::from_secs(10);

/// When each step of an alert was first seen, counted from the fault, and the end from its healing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) pending: Option<Duration>,
    pub(crate) firing: Option<Duration>,
    pub(crate) notified: Option<Duration>,
    pub(crate) resolved: Option<End>,
    /// Since when Prometheus does not have it firing, as far as we have looked: there is news of
    /// nothing else.
    quiet_since: Option<Instant>,
    is_silent: bool,
}

pub(super) struct Watch {
    alerts: BTreeMap<&'static str, Seen>,
    is_on_logs: bool,
}

impl Watch {
    pub(super) fn new(alerts: &[&'static str]) -> Self {
        let is_on_logs = is_on_logs(alerts);
        let alerts = alerts.iter().map(|alert| (*alert, Seen::default())).collect();
        Self { alerts, is_on_logs }
    }

    /// Which of the alerts are not silent now.
    pub(super) fn states(scene: &Scene<'_>, alerts: &[&str]) -> Result<Vec<String>> {
        let states = states(scene, is_on_logs(alerts))?;
        let ringing = states
            .into_iter()
            .filter(|(alert, state)| alerts.contains(&alert.as_str()) && state != "inactive");
        Ok(ringing.map(|(alert, state)| format!("{alert} ({state})")).collect())
    }

    /// Notes which steps can be seen by now.
    pub(super) fn look(&mut self, scene: &Scene<'_>, hurt_at: Instant) -> Result<()> {
        let states = states(scene, self.is_on_logs)?;
        let now = hurt_at.elapsed();
        for (alert, seen) in &mut self.alerts {
            let state = states.get(*alert).map(String::as_str);
            seen.is_silent = state == Some("inactive");
            seen.quiet_since = match state {
                Some("firing") => None,
                _ => seen.quiet_since.or_else(|| Some(Instant::now())),
            };
            match state {
                Some("pending") => {
                    seen.pending.get_or_insert(now);
                }
                Some("firing") => {
                    // One that does not wait is never seen pending.
                    seen.pending.get_or_insert(now);
                    seen.firing.get_or_insert(now);
                }
                Some(_) => {}
                None => anyhow::bail!("there is no alert {alert}"),
            }
            if let Some(at) = scene.received(alert, true, hurt_at).first() {
                let time = at.duration_since(hurt_at);
                seen.notified.get_or_insert(time);
                // It fired, though between two looks.
                seen.firing.get_or_insert(time);
            }
        }
        Ok(())
    }

    /// Notes, after a look, which alerts are over.
    pub(super) fn look_for_silence(
        &mut self,
        scene: &Scene<'_>,
        hurt_at: Instant,
        healed_at: Instant,
    ) {
        for (alert, seen) in &mut self.alerts {
            let Some(quiet_since) = seen.quiet_since.filter(|_| seen.is_silent) else { continue };
            let over = scene.received(alert, false, hurt_at);
            if let Some(end) = end(quiet_since, &over, healed_at, Instant::now()) {
                seen.resolved.get_or_insert(end);
            }
        }
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

/// How an alert ended that is silent now, when that can be told yet: `over` is when the receiver
/// heard so. What it heard before the healing was of a pause, or of one instance of several, unless
/// the alert had been quiet by then and ever since.
fn end(quiet_since: Instant, over: &[Instant], healed_at: Instant, now: Instant) -> Option<End> {
    let last = *over.last()?;
    if last >= healed_at {
        return Some(End::After(last.duration_since(healed_at)));
    }
    let is_settled = now.duration_since(healed_at) >= NEWS_TIME_MAX;
    (quiet_since < healed_at && is_settled).then_some(End::BeforeHealing)
}

fn is_on_logs(alerts: &[&str]) -> bool {
    alerts.iter().any(|alert| ON_LOGS.iter().any(|(name, _)| name == alert))
}

/// The state of every alert that Prometheus knows, as `Alert` or `profile/Alert`, and, where it is
/// wanted and Loki runs, of those that its ruler knows. Of two rules of one name, as for two
/// severities, the louder counts.
pub(super) fn states(scene: &Scene<'_>, on_logs: bool) -> Result<BTreeMap<String, String>> {
    let answer = scene.prometheus.get("rules", &[("type", "alert")])?;
    let groups = answer["groups"].as_array().cloned().unwrap_or_default();
    let mut states: BTreeMap<String, String> = BTreeMap::new();
    if on_logs && let Some(loki) = sources::loki(scene)? {
        let alerts = loki.rules()?.into_iter().filter(|rule| !rule.state.is_empty());
        states.extend(alerts.map(|rule| (rule.name, rule.state)));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of an alert, with all times in seconds after the fault, which was healed after 100.
    fn end_of(quiet_since: u64, over: &[u64], now: u64) -> Option<End> {
        let hurt_at = Instant::now();
        let at = |seconds: u64| hurt_at + Duration::from_secs(seconds);
        let over: Vec<Instant> = over.iter().copied().map(at).collect();
        end(at(quiet_since), &over, at(100), at(now))
    }

    fn after(seconds: u64) -> Option<End> {
        Some(End::After(Duration::from_secs(seconds)))
    }

    #[test]
    fn the_end_is_counted_from_the_healing() {
        assert_eq!(end_of(105, &[107], 108), after(7));
    }

    #[test]
    fn a_pause_during_the_fault_is_no_end() {
        // It rang again until it was healed: the news is to come.
        assert_eq!(end_of(105, &[60], 106), None);
        assert_eq!(end_of(105, &[60], 170), None);
        assert_eq!(end_of(105, &[60, 107], 108), after(7));
    }

    #[test]
    fn the_end_of_several_instances_is_that_of_the_last() {
        assert_eq!(end_of(105, &[60, 103, 106], 107), after(6));
    }

    #[test]
    fn an_alert_that_ended_by_itself_is_said_to() {
        assert_eq!(end_of(60, &[62], 111), Some(End::BeforeHealing));
        // Its news may still be on the way.
        assert_eq!(end_of(99, &[62], 103), None);
        assert_eq!(end_of(99, &[62, 101], 103), after(1));
    }

    #[test]
    fn without_news_nothing_has_ended() {
        assert_eq!(end_of(60, &[], 170), None);
    }
}
