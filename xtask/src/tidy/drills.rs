//! Every alert is drilled, or it is said why not; and nothing is drilled that is no alert.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::Tree;
use crate::e2e::{DRILLS, NEEDS, NOT_DRILLED, ON_LOGS};
use crate::tower::RuleFile;

/// Where the drills are, and what is not drilled.
const FILE: &str = "xtask/src/e2e/drills/faults.rs";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    // A tree without it is not the whole repository.
    if !tree.exists(FILE) {
        return Vec::new();
    }
    let drilled = DRILLS.iter().flat_map(|drill| drill.alerts).copied();
    let on_logs = ON_LOGS.iter().map(|(alert, _)| *alert);
    let mut findings = compare(&alerts(tree), &drilled.chain(on_logs).collect(), NOT_DRILLED);
    let named = ON_LOGS.iter().map(|(_, drill)| drill).chain(NEEDS.iter().map(|(drill, _)| drill));
    let unknown = named.filter(|name| !DRILLS.iter().any(|drill| drill.name == **name));
    findings
        .extend(unknown.map(|name| Finding::about(FILE, format!("there is no drill `{name}`"))));
    findings
}

/// Every alert, by the name that drills have for it: those of the guides have their guide's before it.
fn alerts(tree: &Tree) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (path, text) in tree.below("alerts", "yaml") {
        let Ok(file) = RuleFile::parse(text) else { continue };
        let guide =
            path.strip_prefix("alerts/profiles/").and_then(|file| file.strip_suffix(".yaml"));
        let alerts = file.rules().filter_map(|rule| rule.alert.as_deref());
        names.extend(alerts.map(|alert| match guide {
            Some(guide) => format!("{guide}/{alert}"),
            None => alert.to_owned(),
        }));
    }
    names
}

fn compare(
    alerts: &BTreeSet<String>,
    drilled: &BTreeSet<&str>,
    excused: &[(&str, &str)],
) -> Vec<Finding> {
    let is_excused = |alert: &str| excused.iter().any(|(name, _)| *name == alert);
    let mut wrong = Vec::new();
    for alert in alerts {
        match (drilled.contains(alert.as_str()), is_excused(alert)) {
            (false, false) => wrong.push(format!("no drill sets off `{alert}`")),
            (true, true) => wrong.push(format!("`{alert}` is drilled, and is said not to be")),
            _ => {}
        }
    }
    let named = drilled.iter().chain(excused.iter().map(|(name, _)| name));
    let unknown = named.filter(|name| !alerts.contains(**name));
    wrong.extend(unknown.map(|name| format!("`{name}` is drilled or excused, and is no alert")));
    let reasonless = excused.iter().filter(|(_, reason)| reason.trim().is_empty());
    wrong.extend(reasonless.map(|(name, _)| format!("it is not said why `{name}` is not drilled")));
    wrong.into_iter().map(|what| Finding::about(FILE, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::says;

    fn found(drilled: &[&str], excused: &[(&str, &str)]) -> Vec<Finding> {
        let alerts = ["Down", "guide/Slow"].map(str::to_owned).into();
        compare(&alerts, &drilled.iter().copied().collect(), excused)
    }

    #[test]
    fn every_alert_has_a_drill_or_a_reason() {
        assert!(found(&["Down", "guide/Slow"], &[]).is_empty());
        assert!(found(&["Down"], &[("guide/Slow", "it cannot be slow")]).is_empty());
        says(&found(&["Down"], &[]), "no drill sets off `guide/Slow`");
        says(&found(&["Down"], &[("guide/Slow", " ")]), "it is not said why `guide/Slow`");
    }

    #[test]
    fn nothing_is_drilled_that_is_no_alert() {
        let gone = found(&["Down", "guide/Slow", "Gone"], &[]);
        says(&gone, "`Gone` is drilled or excused, and is no alert");
        let both = found(&["Down", "guide/Slow"], &[("Down", "it never is")]);
        says(&both, "`Down` is drilled, and is said not to be");
    }
}
