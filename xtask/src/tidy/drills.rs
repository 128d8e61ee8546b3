//! Every alert is drilled, or it is said why not; and nothing is drilled that is no alert.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::Tree;
use crate::e2e::{AlertRule, DRILLS, NEEDS, NOT_DRILLED, ON_LOGS, names};
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

/// Every alert, by the name that drills have for it: a page and a ticket of one name are two.
fn alerts(tree: &Tree) -> BTreeSet<String> {
    let mut rules = Vec::new();
    for (path, text) in tree.below("alerts", "yaml") {
        let Ok(file) = RuleFile::parse(text) else { continue };
        let guide =
            path.strip_prefix("alerts/profiles/").and_then(|file| file.strip_suffix(".yaml"));
        for rule in file.rules() {
            let Some(alert) = rule.alert.clone() else { continue };
            let severity = rule.labels.get("severity").cloned().unwrap_or_default();
            rules.push(AlertRule { guide: guide.map(str::to_owned), alert, severity });
        }
    }
    names(&rules).into_iter().collect()
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
    fn each_severity_of_a_name_has_a_drill_of_its_own() {
        let rule = |severity: &str| {
            format!("  - alert: Burn\n    expr: up\n    labels: {{severity: {severity}}}\n")
        };
        let rules = |rules: &str| format!("groups:\n- name: g\n  rules:\n{rules}");
        let ours = rules(&[rule("critical"), rule("warning")].concat());
        let guides = rules(&rule("warning"));
        let tree = Tree::of(&[("alerts/a.yaml", &ours), ("alerts/profiles/guide.yaml", &guides)]);
        let alerts = alerts(&tree);
        let found = |drilled: &[&str]| compare(&alerts, &drilled.iter().copied().collect(), &[]);
        assert!(found(&["Burn:critical", "Burn:warning", "guide/Burn"]).is_empty());
        says(&found(&["Burn:critical", "guide/Burn"]), "no drill sets off `Burn:warning`");
        says(&found(&["Burn"]), "`Burn` is drilled or excused, and is no alert");
        says(&found(&["Burn:critical"]), "no drill sets off `guide/Burn`");
    }

    #[test]
    fn nothing_is_drilled_that_is_no_alert() {
        let gone = found(&["Down", "guide/Slow", "Gone"], &[]);
        says(&gone, "`Gone` is drilled or excused, and is no alert");
        let both = found(&["Down", "guide/Slow"], &[("Down", "it never is")]);
        says(&both, "`Down` is drilled, and is said not to be");
    }
}
