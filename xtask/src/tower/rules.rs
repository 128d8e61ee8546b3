//! Files of rules and files of their unit tests, as Prometheus reads them.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A file that `rule_files` of Prometheus names, or one of the ruler of Loki. What the checks do not
/// ask for is named all the same, so that a misspelt key is found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    pub(crate) groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "interval")]
    _interval: Option<String>,
    #[serde(rename = "limit")]
    _limit: Option<u32>,
    pub(crate) rules: Vec<Rule>,
}

/// An alert, or a series that is recorded.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) alert: Option<String>,
    pub(crate) record: Option<String>,
    pub(crate) expr: String,
    #[serde(rename = "for")]
    _wait: Option<String>,
    #[serde(rename = "keep_firing_for")]
    _keep_firing_for: Option<String>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl RuleFile {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        yaml(text)
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }
}

/// A file for `promtool test rules`, as far as the checks read it.
#[derive(Deserialize)]
pub(crate) struct UnitTests {
    pub(crate) tests: Vec<UnitTest>,
}

#[derive(Deserialize)]
pub(crate) struct UnitTest {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) input_series: Vec<InputSeries>,
    #[serde(default)]
    pub(crate) alert_rule_test: Vec<AlertTest>,
}

#[derive(Deserialize)]
pub(crate) struct AlertTest {
    pub(crate) alertname: String,
    #[serde(default)]
    pub(crate) exp_alerts: Vec<ExpectedAlert>,
}

/// What it says is promtool's to check.
#[derive(Deserialize)]
pub(crate) struct InputSeries {}

/// What is expected of it is promtool's to check.
#[derive(Deserialize)]
pub(crate) struct ExpectedAlert {}

impl UnitTests {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        yaml(text)
    }
}

fn yaml<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_saphyr::from_str(text).map_err(|error| anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_and_a_recorded_series_are_rules() {
        let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 1m\n  - record: a:b:c\n    expr: up\n";
        let file = RuleFile::parse(text).expect("the file is well made");
        let names: Vec<Option<&str>> = file.rules().map(|rule| rule.alert.as_deref()).collect();
        assert_eq!(names, [Some("A"), None]);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    exprs: up == 0\n";
        assert!(RuleFile::parse(text).is_err());
    }

    #[test]
    fn unit_tests_have_names_and_expectations() {
        let text = "rule_files: [a.yaml]\ntests:\n- name: 'A: fault'\n  interval: 1m\n  alert_rule_test:\n  - {eval_time: 1m, alertname: A, exp_alerts: [{exp_labels: {a: b}}]}\n";
        let tests = UnitTests::parse(text).expect("the file is well made");
        assert_eq!(tests.tests[0].alert_rule_test[0].exp_alerts.len(), 1);
    }
}
