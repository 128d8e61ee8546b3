//! The alerts of one drill, as Prometheus and the receiver of Alertmanager see them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::super::report::End;
use super::super::scene::Scene;
use super::super::sources;
use super::faults::ON_LOGS;
use super::names::{AlertRule, louder, names};

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

    /// Each fired and was heard, or is muted by the louder of its name: that one is heard, and this
    /// one when that is over.
    pub(super) fn all_rang(&self) -> Result<()> {
        self.all("was not seen to ring", |alert, seen| {
            seen.firing.is_some() && (seen.notified.is_some() || self.is_muted(alert))
        })
    }

    /// Those that did not ring have been complained of.
    pub(super) fn all_silent(&self) -> Result<()> {
        self.all("was not seen to fall silent", |alert, seen| {
            let was_heard = seen.notified.is_some() || self.is_muted(alert);
            !was_heard || (seen.notified.is_some() && seen.resolved.is_some())
        })
    }

    /// Whether the louder of its name is in this drill, and was heard.
    fn is_muted(&self, alert: &str) -> bool {
        louder(alert)
            .and_then(|louder| self.alerts.get(louder.as_str()))
            .is_some_and(|seen| seen.notified.is_some())
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = (&'static str, Seen)> {
        self.alerts.iter().map(|(alert, seen)| (*alert, *seen))
    }

    fn all(&self, what: &str, done: impl Fn(&str, &Seen) -> bool) -> Result<()> {
        let missing = self.alerts.iter().filter(|(alert, seen)| !done(alert, seen));
        let missing: Vec<&str> = missing.map(|(alert, _)| *alert).collect();
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

/// The state of every alert that Prometheus knows, by what it is called here, and, where it is wanted
/// and Loki runs, of those that its ruler knows. Of two rules that are called the same, the louder
/// counts.
pub(super) fn states(scene: &Scene<'_>, on_logs: bool) -> Result<BTreeMap<String, String>> {
    let mut states = states_of(&scene.prometheus.get("rules", &[("type", "alert")])?);
    if on_logs && let Some(loki) = sources::loki(&scene.stack)? {
        let alerts = loki.rules()?.into_iter().filter(|rule| !rule.state.is_empty());
        states.extend(alerts.map(|rule| (rule.name, rule.state)));
    }
    Ok(states)
}

fn states_of(answer: &Value) -> BTreeMap<String, String> {
    let groups = answer["groups"].as_array().into_iter().flatten();
    let known: Vec<&Value> =
        groups.flat_map(|group| group["rules"].as_array().into_iter().flatten()).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rule = |known: &&Value| AlertRule {
        guide: known["labels"]["profile"].as_str().map(str::to_owned),
        alert: text(&known["name"]),
        severity: text(&known["labels"]["severity"]),
    };
    let rules: Vec<AlertRule> = known.iter().map(rule).collect();
    let mut states: BTreeMap<String, String> = BTreeMap::new();
    for (name, known) in names(&rules).into_iter().zip(known) {
        let state = text(&known["state"]);
        let loudest = states.entry(name).or_insert_with(|| state.clone());
        if loudness(&state) > loudness(loudest) {
            *loudest = state;
        }
    }
    states
}

fn loudness(state: &str) -> usize {
    ["inactive", "pending", "firing"].iter().position(|known| *known == state).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    fn two_severities_of_one_name_are_two() {
        let rule = |name: &str, severity: &str, state: &str| json!({"name": name, "state": state, "labels": {"severity": severity}});
        let answer = json!({"groups": [
            {"rules": [rule("Burn", "critical", "firing"), rule("Burn", "warning", "pending")]},
            {"rules": [rule("Down", "critical", "inactive"), rule("Down", "critical", "pending")]},
        ]});
        let states = states_of(&answer);
        let states: Vec<(&str, &str)> =
            states.iter().map(|(name, state)| (name.as_str(), state.as_str())).collect();
        let expected =
            [("Burn:critical", "firing"), ("Burn:warning", "pending"), ("Down", "pending")];
        assert_eq!(states, expected);
    }

    /// A watch that saw so of each alert.
    fn watch(seen: &[(&'static str, Seen)]) -> Watch {
        Watch { alerts: seen.iter().copied().collect(), is_on_logs: false }
    }

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    fn fired() -> Seen {
        Seen { pending: SECOND, firing: SECOND, ..Seen::default() }
    }

    fn heard() -> Seen {
        Seen { notified: SECOND, ..fired() }
    }

    fn over() -> Seen {
        Seen { resolved: Some(End::BeforeHealing), ..heard() }
    }

    #[test]
    fn every_alert_is_to_fire_and_to_be_heard() {
        assert!(watch(&[("Down", heard())]).all_rang().is_ok());
        assert!(watch(&[("Down", fired())]).all_rang().is_err());
        // The louder of two is heard first; that it is, is asked for.
        assert!(watch(&[("B:critical", heard()), ("B:warning", fired())]).all_rang().is_ok());
        assert!(watch(&[("B:critical", fired()), ("B:warning", fired())]).all_rang().is_err());
        let silent = watch(&[("B:critical", heard()), ("B:warning", Seen::default())]);
        let error = silent.all_rang().expect_err("one did not fire").to_string();
        assert_eq!(error, "B:warning was not seen to ring");
    }

    #[test]
    fn who_was_muted_is_to_be_heard_before_all_is_silent() {
        let error = |quieter: Seen| {
            let watch = watch(&[("B:critical", over()), ("B:warning", quieter)]);
            watch.all_silent().err().map(|error| error.to_string())
        };
        let missing = Some("B:warning was not seen to fall silent".to_owned());
        assert_eq!(error(fired()), missing);
        assert_eq!(error(heard()), missing);
        assert_eq!(error(over()), None);
        // What never rang has been complained of.
        assert!(watch(&[("Down", fired())]).all_silent().is_ok());
    }

    #[test]
    fn without_news_nothing_has_ended() {
        assert_eq!(end_of(60, &[], 170), None);
    }
}
