//! What an alert is called here: `Alert`, or `guide/Alert` where it is one of a guide's; and
//! `Alert:severity` where several rules have that name, as a page and a ticket of one promise.

use std::collections::{BTreeMap, BTreeSet};

/// A rule that alerts, by what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AlertRule {
    pub(crate) guide: Option<String>,
    pub(crate) alert: String,
    pub(crate) severity: String,
}

/// The parts of what an alert is called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'n> {
    pub(crate) guide: Option<&'n str>,
    pub(crate) alert: &'n str,
    pub(crate) severity: Option<&'n str>,
}

/// Two that are told apart by their severity: the first mutes the second in Alertmanager.
const LOUDER: &str = ":critical";
const QUIETER: &str = ":warning";

/// What each of these rules is called. They are all there are: otherwise it could not be told which
/// name is one rule's alone.
pub(crate) fn names(rules: &[AlertRule]) -> Vec<String> {
    let mut severities: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for rule in rules {
        severities.entry(rule.base()).or_default().insert(&rule.severity);
    }
    let name = |rule: &AlertRule| {
        let base = rule.base();
        if severities[&base].len() > 1 { format!("{base}:{}", rule.severity) } else { base }
    };
    rules.iter().map(name).collect()
}

/// What a name says.
pub(crate) fn parts(name: &str) -> Parts<'_> {
    let (guide, rest) = name.split_once('/').map_or((None, name), |(guide, of)| (Some(guide), of));
    let (alert, severity) =
        rest.split_once(':').map_or((rest, None), |(alert, of)| (alert, Some(of)));
    Parts { guide, alert, severity }
}

/// Whether an alert with these labels is called so.
pub(crate) fn is_called(name: &str, labels: &BTreeMap<String, String>) -> bool {
    let label = |label: &str| labels.get(label).map(String::as_str);
    let Parts { guide, alert, severity } = parts(name);
    label("alertname") == Some(alert)
        && label("profile") == guide
        && severity.is_none_or(|severity| label("severity") == Some(severity))
}

/// The one of the same name that mutes it, if it is the quieter of two.
pub(super) fn louder(name: &str) -> Option<String> {
    name.strip_suffix(QUIETER).map(|base| format!("{base}{LOUDER}"))
}

impl AlertRule {
    fn base(&self) -> String {
        match &self.guide {
            Some(guide) => format!("{guide}/{}", self.alert),
            None => self.alert.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(guide: Option<&str>, alert: &str, severity: &str) -> AlertRule {
        let guide = guide.map(str::to_owned);
        AlertRule { guide, alert: alert.to_owned(), severity: severity.to_owned() }
    }

    fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_rules_of_one_name_are_told_apart_by_severity() {
        let rules = [
            rule(None, "Burn", "critical"),
            rule(None, "Burn", "warning"),
            rule(None, "Down", "critical"),
            rule(Some("guide"), "Down", "warning"),
            rule(None, "Twice", "info"),
            rule(None, "Twice", "info"),
        ];
        let expected = ["Burn:critical", "Burn:warning", "Down", "guide/Down", "Twice", "Twice"];
        assert_eq!(names(&rules), expected);
    }

    #[test]
    fn a_name_has_its_parts() {
        let whole = Parts { guide: Some("g"), alert: "A", severity: Some("info") };
        assert_eq!(parts("g/A:info"), whole);
        assert_eq!(parts("A"), Parts { guide: None, alert: "A", severity: None });
    }

    #[test]
    fn an_alert_is_known_by_its_labels() {
        let page = labels(&[("alertname", "Burn"), ("severity", "critical"), ("job", "chat")]);
        let ticket = labels(&[("alertname", "Burn"), ("severity", "warning")]);
        assert!(is_called("Burn:critical", &page) && !is_called("Burn:critical", &ticket));
        assert!(is_called("Burn:warning", &ticket) && !is_called("Burn:warning", &page));
        assert!(is_called("Burn", &page) && !is_called("Bur", &page));
        let guides = labels(&[("alertname", "Burn"), ("profile", "guide")]);
        assert!(is_called("guide/Burn", &guides) && !is_called("Burn", &guides));
        assert!(!is_called("guide/Burn", &page));
    }

    #[test]
    fn the_quieter_of_two_has_a_louder() {
        assert_eq!(louder("guide/Burn:warning").as_deref(), Some("guide/Burn:critical"));
        assert_eq!((louder("Burn:critical"), louder("Burn")), (None, None));
    }
}
