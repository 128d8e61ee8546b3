//! Who hears of what: every severity has a route, every route a receiver, and what mutes what names
//! alerts and labels that there are.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::util::parse_duration;
use serde::Deserialize;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::super::typed;
use super::compose::{Compose, Inside};
use super::inhibitions;
use super::matchers::Matcher;
use crate::e2e::INHIBITIONS;
use crate::tower::RuleFile;

const FILE: &str = "deploy/alertmanager/alertmanager.yml";

const SERVICE: &str = "alertmanager";

/// What alerts have beside the labels of their rules.
const COMMON_LABELS: [&str; 3] = ["alertname", "job", "instance"];

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    global: Global,
    route: Route,
    #[serde(default)]
    inhibit_rules: Vec<Inhibition>,
    receivers: Vec<Receiver>,
    #[serde(default)]
    templates: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Global {
    resolve_timeout: Option<String>,
    smtp_smarthost: Option<String>,
    smtp_from: Option<String>,
    #[serde(rename = "smtp_auth_username")]
    _smtp_auth_username: Option<String>,
    #[serde(rename = "smtp_auth_password_file")]
    _smtp_auth_password_file: Option<String>,
    slack_api_url_file: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Route {
    receiver: Option<String>,
    matchers: Vec<String>,
    group_by: Vec<String>,
    group_wait: Option<String>,
    group_interval: Option<String>,
    repeat_interval: Option<String>,
    #[serde(rename = "continue")]
    _goes_on: bool,
    routes: Vec<Route>,
}

#[derive(Deserialize)]
pub(super) struct Inhibition {
    pub(super) source_matchers: Vec<String>,
    pub(super) target_matchers: Vec<String>,
    #[serde(default)]
    pub(super) equal: Vec<String>,
}

/// Secrets are files: a field that holds one itself is not known here.
#[derive(Deserialize)]
struct Receiver {
    name: String,
    #[serde(default)]
    pagerduty_configs: Vec<PagerDuty>,
    #[serde(default)]
    slack_configs: Vec<Slack>,
    #[serde(default)]
    webhook_configs: Vec<Webhook>,
    #[serde(default)]
    email_configs: Vec<Email>,
}

#[derive(Deserialize)]
struct PagerDuty {
    #[serde(rename = "routing_key_file")]
    _routing_key_file: String,
    #[serde(rename = "send_resolved")]
    _send_resolved: bool,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "details", default)]
    _details: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Slack {
    #[serde(rename = "channel")]
    _channel: String,
    #[serde(rename = "send_resolved")]
    _send_resolved: bool,
    #[serde(rename = "title")]
    _title: Option<String>,
    #[serde(rename = "text")]
    _text: Option<String>,
}

#[derive(Deserialize)]
struct Webhook {
    #[serde(rename = "url_file")]
    _url_file: String,
    #[serde(rename = "send_resolved")]
    _send_resolved: bool,
}

#[derive(Deserialize)]
struct Email {
    #[serde(rename = "to")]
    _to: String,
    #[serde(rename = "send_resolved")]
    _send_resolved: bool,
}

/// What is known of all alerts of the repository.
#[derive(Default)]
struct Alerts {
    names: BTreeSet<String>,
    /// Each name with a severity that it has.
    rules: BTreeSet<(String, String)>,
    /// Each severity, and one of the alerts that have it.
    severities: BTreeMap<String, String>,
    labels: BTreeSet<String>,
}

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let (config, mut findings) = typed::read::<Config>(tree, FILE);
    let Some(config) = config else { return findings };
    let alerts = Alerts::of(tree);
    let mut wrong = config.receivers();
    wrong.extend(config.route.check("route", &config, &alerts));
    wrong.extend(config.routing(&alerts));
    for (number, rule) in config.inhibit_rules.iter().enumerate() {
        let rule = rule.check(&alerts);
        wrong.extend(rule.into_iter().map(|what| format!("`inhibit_rules.{number}.{what}")));
    }
    wrong.extend(inhibitions::check(&config.inhibit_rules, INHIBITIONS, &alerts.rules));
    let templates = config.templates.iter().filter(|glob| {
        let folder = glob.rsplit_once('/').map_or("", |(folder, _)| folder);
        !matches!(compose.inside(SERVICE, folder), Inside::Ours(folder) if tree.exists(&folder))
    });
    wrong.extend(templates.map(|glob| format!("`templates`: nothing is at `{glob}`")));
    findings.extend(wrong.into_iter().map(|what| Finding::about(FILE, what)));
    findings
}

impl Alerts {
    fn of(tree: &Tree) -> Self {
        let mut alerts = Self::default();
        alerts.labels.extend(COMMON_LABELS.map(str::to_owned));
        let files = tree.below("alerts", "yaml");
        let files = files.filter(|(path, _)| !path.starts_with("alerts/tests/"));
        for file in files.filter_map(|(_, text)| RuleFile::parse(text).ok()) {
            for rule in file.rules() {
                let Some(name) = &rule.alert else { continue };
                alerts.names.insert(name.clone());
                alerts.labels.extend(rule.labels.keys().cloned());
                if let Some(severity) = rule.labels.get("severity") {
                    alerts.rules.insert((name.clone(), severity.clone()));
                    alerts.severities.entry(severity.clone()).or_insert_with(|| name.clone());
                }
            }
        }
        alerts
    }

    /// Why a matcher takes nothing that there is, or names what there is not.
    fn lack(&self, matcher: &Matcher) -> Option<String> {
        if !self.labels.contains(&matcher.label) {
            return Some(format!("no alert has the label `{}`", matcher.label));
        }
        let values: Vec<&String> = match matcher.label.as_str() {
            "alertname" => self.names.iter().collect(),
            "severity" => self.severities.keys().collect(),
            _ => return None,
        };
        let label = &matcher.label;
        let named = matcher.named();
        if named.is_empty() {
            let takes = values.iter().any(|value| matcher.takes_value(value));
            let takes = takes || matcher.is_negative;
            return (!takes).then(|| format!("no alert has such a `{label}`"));
        }
        let unknown = named.into_iter().find(|name| !values.iter().any(|value| value == name))?;
        Some(format!("no alert has the `{label}` `{unknown}`"))
    }
}

impl Config {
    fn receivers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut names = BTreeSet::new();
        let used: Vec<&str> = self.route.all().into_iter().filter_map(Route::receiver).collect();
        for receiver in &self.receivers {
            let name = receiver.name.as_str();
            if !names.insert(name) {
                wrong.push(format!("`receivers`: there are two of the name `{name}`"));
            }
            if !used.contains(&name) {
                wrong.push(format!("`receivers.{name}`: no route leads to it"));
            }
            wrong.extend(self.of_receiver(receiver));
        }
        if let Some(time) = self.global.resolve_timeout.as_ref().filter(|time| !is_time(time)) {
            wrong.push(format!("`global.resolve_timeout` is no duration: `{time}`"));
        }
        wrong
    }

    fn of_receiver(&self, receiver: &Receiver) -> Vec<String> {
        let Receiver { name, pagerduty_configs, slack_configs, webhook_configs, email_configs } =
            receiver;
        let mut wrong = Vec::new();
        let tells = [
            pagerduty_configs.len(),
            slack_configs.len(),
            webhook_configs.len(),
            email_configs.len(),
        ];
        if tells.iter().sum::<usize>() == 0 {
            wrong.push(format!("`receivers.{name}` tells nobody"));
        }
        if !slack_configs.is_empty() && self.global.slack_api_url_file.is_none() {
            wrong.push(format!(
                "`receivers.{name}.slack_configs`: `global.slack_api_url_file` is not set"
            ));
        }
        for (key, value) in
            [("smtp_smarthost", &self.global.smtp_smarthost), ("smtp_from", &self.global.smtp_from)]
        {
            if !email_configs.is_empty() && value.is_none() {
                wrong.push(format!("`receivers.{name}.email_configs`: `global.{key}` is not set"));
            }
        }
        wrong
    }

    /// Every severity has a route of its own, and none waits for one that there is not.
    fn routing(&self, alerts: &Alerts) -> Vec<String> {
        let lost = alerts.severities.iter().filter(|(severity, _)| {
            let labels = BTreeMap::from([("severity", severity.as_str())]);
            !self.route.routes.iter().any(|route| {
                let mut matchers = route.matchers().into_iter().flatten();
                matchers.all(|matcher| matcher.takes(&labels))
            })
        });
        lost.map(|(severity, alert)| {
            format!("`route.routes`: none takes the severity `{severity}`, as of {alert}")
        })
        .collect()
    }
}

impl Route {
    fn receiver(&self) -> Option<&str> {
        self.receiver.as_deref()
    }

    fn matchers(&self) -> Vec<Result<Matcher, String>> {
        self.matchers.iter().map(|matcher| Matcher::parse(matcher)).collect()
    }

    /// It and all below.
    fn all(&self) -> Vec<&Self> {
        let below = self.routes.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    fn check(&self, key: &str, config: &Config, alerts: &Alerts) -> Vec<String> {
        let mut wrong = Vec::new();
        let is_root = key == "route";
        if is_root && !self.matchers.is_empty() {
            wrong.push(format!("`{key}.matchers`: the first route takes everything"));
        }
        match self.receiver() {
            None if is_root => wrong.push(format!("`{key}.receiver` is not set")),
            Some(name) if !config.receivers.iter().any(|receiver| receiver.name == name) => {
                wrong.push(format!("`{key}.receiver`: there is no receiver `{name}`"));
            }
            _ => {}
        }
        for matcher in self.matchers() {
            let lack = matcher.map_or_else(Some, |matcher| alerts.lack(&matcher));
            wrong.extend(lack.map(|why| format!("`{key}.matchers`: {why}")));
        }
        let unknown = self.group_by.iter().filter(|label| !alerts.labels.contains(*label));
        wrong.extend(
            unknown.map(|label| format!("`{key}.group_by`: no alert has the label `{label}`")),
        );
        for (name, time) in [
            ("group_wait", &self.group_wait),
            ("group_interval", &self.group_interval),
            ("repeat_interval", &self.repeat_interval),
        ] {
            if let Some(time) = time.as_ref().filter(|time| !is_time(time)) {
                wrong.push(format!("`{key}.{name}` is no duration: `{time}`"));
            }
        }
        for (number, route) in self.routes.iter().enumerate() {
            wrong.extend(route.check(&format!("{key}.routes.{number}"), config, alerts));
        }
        wrong
    }
}

impl Inhibition {
    /// Each begins with the key, whose rule is still to be named.
    fn check(&self, alerts: &Alerts) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, matchers) in
            [("source_matchers", &self.source_matchers), ("target_matchers", &self.target_matchers)]
        {
            if matchers.is_empty() {
                wrong.push(format!("{key}` takes everything"));
            }
            for matcher in matchers {
                let lack =
                    Matcher::parse(matcher).map_or_else(Some, |matcher| alerts.lack(&matcher));
                wrong.extend(lack.map(|why| format!("{key}`: {why}")));
            }
        }
        if self.equal.is_empty() {
            wrong.push("equal` is empty: one alert would mute those of everything else".to_owned());
        }
        let unknown = self.equal.iter().filter(|label| !alerts.labels.contains(*label));
        wrong.extend(unknown.map(|label| format!("equal`: no alert has the label `{label}`")));
        wrong
    }
}

fn is_time(text: &str) -> bool {
    // No range of a query is empty; to wait may be.
    text == "0s" || parse_duration(text).is_ok()
}
