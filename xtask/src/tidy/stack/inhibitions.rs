//! What mutes what is seen on a live stack, rule by rule.

use std::collections::{BTreeMap, BTreeSet};

use super::alertmanager::Inhibition;
use super::matchers::Matcher;
use crate::e2e::Inhibition as Seen;

/// Where it is seen.
const FILE: &str = "xtask/src/e2e/routes.rs";

/// What alerts that are posted there have in common.
const COMMON: [(&str, &str); 2] = [("job", "chat"), ("instance", "campanile-1:9601")];

/// What is wrong: each rule is seen by two alerts that no other rule is about, so that it, and not
/// another, is what mutes there; and those are `alerts`, each a name with a severity.
pub(super) fn check(
    rules: &[Inhibition],
    seen: &[Seen],
    alerts: &BTreeSet<(String, String)>,
) -> Vec<String> {
    let muting: Vec<Vec<usize>> = seen.iter().map(|seen| muting(rules, seen)).collect();
    let unseen = (0..rules.len()).filter(|number| !muting.contains(&vec![*number]));
    let mut wrong: Vec<String> = unseen
        .map(|number| format!("`inhibit_rules.{number}` is not seen alone: {FILE} has no such two"))
        .collect();
    let idle = seen.iter().zip(&muting).filter(|(_, muting)| muting.is_empty());
    wrong.extend(idle.map(|(Seen { source, target }, _)| {
        format!("no `inhibit_rules` lets {source:?} mute {target:?}, as {FILE} expects")
    }));
    let named = seen.iter().flat_map(|seen| [seen.source, seen.target]);
    let unknown = named.filter(|(alert, severity)| {
        !alerts.contains(&((*alert).to_owned(), (*severity).to_owned()))
    });
    wrong.extend(unknown.map(|alert| format!("{FILE} names {alert:?}, which is no alert")));
    wrong
}

/// The rules by which the one mutes the other.
fn muting(rules: &[Inhibition], seen: &Seen) -> Vec<usize> {
    let mutes = |rule: &Inhibition| mutes(rule, &labels(seen.source), &labels(seen.target));
    (0..rules.len()).filter(|number| mutes(&rules[*number])).collect()
}

fn mutes(rule: &Inhibition, louder: &BTreeMap<&str, &str>, muted: &BTreeMap<&str, &str>) -> bool {
    let take = |matchers: &[String], labels: &BTreeMap<&str, &str>| {
        // One that cannot be read is complained of elsewhere.
        let mut matchers = matchers.iter().filter_map(|matcher| Matcher::parse(matcher).ok());
        matchers.all(|matcher| matcher.takes(labels))
    };
    take(&rule.source_matchers, louder)
        && take(&rule.target_matchers, muted)
        && rule.equal.iter().all(|label| louder.get(label.as_str()) == muted.get(label.as_str()))
}

fn labels((alert, severity): (&'static str, &'static str)) -> BTreeMap<&'static str, &'static str> {
    [("alertname", alert), ("severity", severity)].into_iter().chain(COMMON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: (&str, &str) = ("Down", "critical");
    const SLOW: (&str, &str) = ("Slow", "warning");

    fn rule(source: &str, target: &str, equal: &[&str]) -> Inhibition {
        Inhibition {
            source_matchers: vec![String::from(source)],
            target_matchers: vec![String::from(target)],
            equal: equal.iter().map(|label| (*label).to_owned()).collect(),
        }
    }

    fn check(rules: &[Inhibition], seen: &[Seen]) -> Vec<String> {
        let alerts = [DOWN, SLOW, ("Slow", "critical"), ("Down", "warning")];
        let alerts = alerts.map(|(alert, severity)| (alert.to_owned(), severity.to_owned()));
        super::check(rules, seen, &alerts.into())
    }

    fn down() -> Inhibition {
        rule("alertname=\"Down\"", "severity=\"warning\"", &["job"])
    }

    /// The louder of two of one name.
    fn louder() -> Inhibition {
        rule("severity=\"critical\"", "severity=\"warning\"", &["alertname", "job"])
    }

    #[test]
    fn every_rule_is_seen_by_two_alerts_of_its_own() {
        let seen = [
            Seen { source: DOWN, target: SLOW },
            Seen { source: ("Slow", "critical"), target: SLOW },
        ];
        assert_eq!(check(&[down(), louder()], &seen), Vec::<String>::new());
        let wrong = check(&[down(), louder()], &seen[..1]);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("`inhibit_rules.1` is not seen alone"), "{wrong:?}");
    }

    #[test]
    fn two_that_two_rules_are_about_show_neither() {
        // Down mutes what is quieter of its name by both.
        let seen = [Seen { source: DOWN, target: ("Down", "warning") }];
        let wrong = check(&[down(), louder()], &seen);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }

    #[test]
    fn what_is_no_alert_is_found() {
        let seen = [Seen { source: DOWN, target: ("Slower", "warning") }];
        let wrong = check(&[down()], &seen);
        let expected = "names (\"Slower\", \"warning\"), which is no alert";
        assert!(wrong.len() == 1 && wrong[0].contains(expected), "{wrong:?}");
    }

    #[test]
    fn what_mutes_nothing_is_found() {
        let seen = [Seen { source: DOWN, target: SLOW }, Seen { source: SLOW, target: DOWN }];
        let wrong = check(&[down()], &seen);
        let expected =
            "no `inhibit_rules` lets (\"Slow\", \"warning\") mute (\"Down\", \"critical\")";
        assert!(wrong.len() == 1 && wrong[0].contains(expected), "{wrong:?}");
    }
}
