//! Configurations of Alertmanager: who hears of what, and what mutes what.

use crate::finding::{Report, Rule};
use crate::source::{Document, Kind, Node, Setup};

pub(super) const SEVERITY_WITHOUT_ROUTE: Rule =
    Rule::warning("severity-without-route", "no route takes alerts of this severity");
pub(super) const INHIBITION_NEVER_MATCHES: Rule =
    Rule::warning("inhibition-never-matches", "nothing that would be muted has what would mute it");
pub(super) const DEPRECATED_KEY: Rule = Rule::info("deprecated-key", "a key is old, and goes away");
pub(super) const UNKNOWN_RECEIVER: Rule =
    Rule::error("unknown-receiver", "a route names a receiver that is not there");

/// Keys that matchers have come in the place of.
const OLD: [(&str, &str); 6] = [
    ("match", "matchers"),
    ("match_re", "matchers"),
    ("source_match", "source_matchers"),
    ("source_match_re", "source_matchers"),
    ("target_match", "target_matchers"),
    ("target_match_re", "target_matchers"),
];

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for config in setup.of_kind(Kind::Alertmanager) {
        config.node.walk("", &mut |_, node| old_keys(config, node, report));
        receivers(config, report);
        severities(setup, config, report);
        for rule in config.node.list("inhibit_rules") {
            inhibition(setup, config, rule, report);
        }
    }
}

fn old_keys(config: &Document<'_>, node: &Node, report: &mut Report) {
    for (key, value) in node.entries().filter(|(_, value)| value.is_map()) {
        let Some((old, new)) = OLD.iter().find(|(old, _)| *old == key.name) else { continue };
        let matchers: Vec<String> = value
            .entries()
            .filter_map(|(label, value)| Some(format!("{}=\"{}\"", label.name, value.text()?)))
            .collect();
        let sign = if old.ends_with("_re") { "=~" } else { "=" };
        let matchers = matchers.join(", ").replacen('=', sign, usize::from(sign == "=~"));
        let why = format!("{old} is deprecated since Alertmanager 0.22");
        report.at(&DEPRECATED_KEY, config.origin.of_key(key), why, format!("{new}: [{matchers}]"));
    }
}

/// Every route below a route, with itself.
fn routes<'n>(route: &'n Node, found: &mut Vec<&'n Node>) {
    found.push(route);
    for inner in route.list("routes") {
        routes(inner, found);
    }
}

fn all_routes(config: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    if let Some(root) = config.get("route") {
        routes(root, &mut found);
    }
    found
}

fn receivers(config: &Document<'_>, report: &mut Report) {
    let named: Vec<&str> =
        config.node.list("receivers").iter().filter_map(|one| one.text_of("name")).collect();
    if named.is_empty() {
        return;
    }
    for receiver in all_routes(&config.node).into_iter().filter_map(|route| route.get("receiver")) {
        let name = receiver.text().unwrap_or_default();
        if !named.contains(&name) {
            let why = format!("there is no receiver {name}: Alertmanager does not start");
            report.at(
                &UNKNOWN_RECEIVER,
                config.origin.of_node(receiver),
                why,
                format!("one of {}", named.join(", ")),
            );
        }
    }
}

/// Where some severities have routes of their own, one that has none was forgotten.
fn severities(setup: &Setup<'_>, config: &Document<'_>, report: &mut Report) {
    let routes = all_routes(&config.node);
    let asked: Vec<String> = routes.iter().flat_map(|route| severities_of(route)).collect();
    let inner = config.node.get("route").map_or(&[][..], |root| root.list("routes"));
    if asked.is_empty() || inner.iter().any(takes_any) {
        return;
    }
    let default = config.node.at(&["route", "receiver"]).and_then(Node::text).unwrap_or("nobody");
    for (rule, _) in setup.rules() {
        let (Some(alert), Some(severity)) = (rule.alert(), &rule.severity) else { continue };
        let is_asked =
            asked.iter().any(|value| value == severity || value == "*" || severity.contains("{{"));
        if !is_asked {
            let why = format!(
                "routes take {}, and none takes {severity}: {alert} goes to {default}, with whatever else is left over",
                asked.join(", ")
            );
            let place = rule.place_at(&["labels", "severity"]);
            report.rule(
                &SEVERITY_WITHOUT_ROUTE,
                (rule, place),
                why,
                "a route for it, or a severity that has one",
            );
        }
    }
}

/// Whether a route takes alerts whatever their severity is; one for alerts by name is for those only.
fn takes_any(route: &Node) -> bool {
    let by_name = |text: &str| text.trim().starts_with("alertname");
    let old = ["match", "match_re"].iter().filter_map(|name| route.get(name));
    let mut labels = old.flat_map(Node::entries).map(|(key, _)| key.name.as_str());
    let matchers = route.list("matchers");
    let is_named = labels.any(|label| label == "alertname")
        || matchers.iter().filter_map(Node::text).any(by_name);
    severities_of(route).is_empty() && !is_named
}

/// The severities that a route asks for; `*` for a pattern that may be any.
fn severities_of(route: &Node) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["match", "match_re"] {
        let value = route.get(name).and_then(|of| of.text_of("severity"));
        found.extend(value.into_iter().flat_map(|value| value.split('|')).map(str::to_owned));
    }
    for matcher in route.list("matchers") {
        let text = matcher.text().unwrap_or_default().trim();
        let Some(rest) = text.strip_prefix("severity") else { continue };
        let rest = rest.trim_start();
        let value = rest.trim_start_matches(['=', '~', '!']).trim().trim_matches(['"', '\'']);
        let is_list = rest.starts_with("=~") || rest.starts_with('=');
        if !is_list || value.contains(['.', '*', '(', '[']) {
            found.push("*".to_owned());
        } else {
            found.extend(value.split('|').map(str::to_owned));
        }
    }
    found
}

/// A rule that wants the same name on both sides mutes only alerts that exist on both.
fn inhibition(setup: &Setup<'_>, config: &Document<'_>, rule: &Node, report: &mut Report) {
    let wants_name = rule.list("equal").iter().any(|label| label.text() == Some("alertname"));
    let severity = |side: &str| {
        let old = rule.get(&format!("{side}_match")).and_then(|of| of.text_of("severity"));
        let new = rule.list(&format!("{side}_matchers")).iter().find_map(|matcher| {
            let value = matcher.text()?.strip_prefix("severity=")?;
            (!value.starts_with('~')).then(|| value.trim_matches(['"', '\'']))
        });
        old.or(new)
    };
    let (Some(source), Some(target)) = (severity("source"), severity("target")) else { return };
    let has_alerts = setup.rules.iter().any(|rule| rule.alert().is_some());
    if !wants_name || !has_alerts || source == target {
        return;
    }
    let with = |severity: &str, name: &str| {
        setup
            .rules
            .iter()
            .any(|rule| rule.alert() == Some(name) && rule.severity.as_deref() == Some(severity))
    };
    let mut names = setup.rules.iter().filter_map(|rule| rule.alert());
    if !names.any(|name| with(source, name) && with(target, name)) {
        let why = format!(
            "equal has alertname, and no alert is there both as {source} and as {target}: it never mutes anything"
        );
        report.at(
            &INHIBITION_NEVER_MATCHES,
            config.origin.of_node(rule),
            why,
            "equal without alertname, or alerts of one name in both severities",
        );
    }
}
