//! When alerts ring, and what they say then.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::label::MatchOp;
use promql_parser::parser::Expr;

use crate::finding::{Report, Rule};
use crate::query::{self, Comparison, bare, condition, conditions, is_call_of, parts, selectors};
use crate::source::{Node, Query, Rule as SourceRule, Setup};

pub(super) const FIRES_WHEN_IDLE: Rule =
    Rule::error("fires-when-idle", "an alert rings while nothing happens");
pub(super) const ALERT_WITHOUT_CONDITION: Rule =
    Rule::error("alert-without-condition", "an alert rings whatever the number is");
pub(super) const UP_WITHOUT_ABSENT: Rule =
    Rule::warning("up-without-absent", "an alert is silent when its target vanishes");
pub(super) const INVERTED_SEVERITIES: Rule =
    Rule::error("inverted-severities", "the milder alert has the graver threshold");
pub(super) const LABEL_LOST: Rule =
    Rule::warning("label-lost", "an annotation shows a label that the expression has not");

/// Words of gauges that are 0 when nobody is there.
const ACTIVITY: [&str; 4] = ["connections", "clients", "sessions", "users"];

/// Parts of the names of counters that have to rise even where nobody does anything.
const ALWAYS_RISING: [&str; 10] = [
    "success",
    "succeeded",
    "heartbeat",
    "watchdog",
    "backup",
    "snapshot",
    "scrape",
    "samples",
    "evaluations",
    "completed",
];

/// Something that has not happened for so long was to happen by itself.
const LONG: Duration = Duration::from_secs(3_600);

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for (rule, query) in setup.rules() {
        let (Some(_), Some(expression)) = (rule.alert(), query.promql()) else { continue };
        idle(query, expression, report);
        without_condition(query, expression, report);
        labels(rule, expression, report);
    }
    without_absent(setup, report);
    inverted(setup, report);
}

fn idle(query: &Query<'_>, expression: &Expr, report: &mut Report) {
    for one in conditions(expression).iter().filter(|one| one.holds_at_zero() && !one.is_guarded) {
        let found = selectors(one.of);
        let [selector] = &found[..] else { continue };
        let is_rate = matches!(bare(one.of), Expr::Call(_) | Expr::Aggregate(_))
            && selector.is_in(&["rate", "irate", "increase"])
            && selector.range.is_some_and(|range| range < LONG)
            && !ALWAYS_RISING.iter().any(|part| selector.name().contains(part));
        let is_level = selector.range.is_none()
            && parts(one.of)
                .into_iter()
                .all(|part| !is_call_of(part, &["absent", "time", "timestamp"]))
            && is_activity(selector.name());
        if is_rate || is_level {
            let name = selector.name();
            let why = format!(
                "{name} is as low whenever nobody does anything: at night, and after each start"
            );
            let better = "ask for what is wrong, not for little: errors, a queue that does not shrink, a probe that fails; or demand that there was more an hour ago";
            report.query(&FIRES_WHEN_IDLE, query, name, why, better);
        }
    }
}

/// Any number is a result, 0 too. What is compared, combined, missing or made up asks something.
fn without_condition(query: &Query<'_>, expression: &Expr, report: &mut Report) {
    const ASKING: [&str; 4] = ["absent", "absent_over_time", "vector", "scalar"];
    let asks = parts(expression).into_iter().any(|part| {
        let compares = matches!(part, Expr::Binary(binary)
            if binary.op.is_comparison_operator() || binary.op.is_set_operator());
        compares || is_call_of(part, &ASKING)
    });
    // What is there only while something is so is asked for by its labels alone.
    if matches!(bare(expression), Expr::VectorSelector(_)) {
        return;
    }
    let found = selectors(expression);
    // A series of alerts is there while it rings, and a recorded one may be there only then.
    let is_made = |name: &str| name.starts_with("ALERTS") || name.contains(':') || name.is_empty();
    if !asks && !found.is_empty() && found.iter().all(|one| !is_made(one.name())) {
        let name = found[0].name();
        let why = "nothing is compared: an alert rings while its expression has a result, and 0 is one, too";
        report.query(&ALERT_WITHOUT_CONDITION, query, name, why, "a comparison: … > 0");
    }
}

fn is_activity(name: &str) -> bool {
    name.split('_').any(|word| ACTIVITY.contains(&word)) && !name.ends_with("_up")
}

/// `up{job="a"} == 0`, where nothing asks whether there is an `up{job="a"}`.
fn without_absent(setup: &Setup<'_>, report: &mut Report) {
    let absences: Vec<BTreeSet<(String, String)>> = setup
        .rules()
        .filter(|(rule, _)| rule.alert().is_some())
        .filter_map(|(_, query)| query.promql())
        .flat_map(selectors)
        .filter(|one| one.name() == "up" && is_presence(one))
        .map(|one| equalities(&one))
        .collect();
    for (rule, query) in setup.rules() {
        let (Some(_), Some(expression)) = (rule.alert(), query.promql()) else { continue };
        for one in conditions(expression).iter().filter(|one| one.holds_at_zero()) {
            let Expr::VectorSelector(vector) = bare(one.of) else { continue };
            let found = selectors(bare(one.of));
            let asked = found.first().map(equalities).unwrap_or_default();
            let names_job = asked.iter().any(|(label, _)| label == "job");
            if query::name(vector) != "up"
                || !names_job
                || absences.iter().any(|one| one.is_subset(&asked))
            {
                continue;
            }
            let job = asked.iter().find(|(label, _)| label == "job").map_or("", |(_, job)| job);
            let why = "a target that is gone from the configuration or from discovery has no up at all, neither 0 nor 1: nothing rings";
            report.query(
                &UP_WITHOUT_ABSENT,
                query,
                "up",
                why,
                format!("up{{job=\"{job}\"}} == 0 or absent(up{{job=\"{job}\"}})"),
            );
        }
    }
}

/// Whether it is asked for the sake of whether it is there, or how many there are.
fn is_presence(selector: &query::Selector<'_>) -> bool {
    selector.is_in(&["absent", "absent_over_time"])
        || selector.within.iter().any(|above| {
            matches!(above, Expr::Binary(binary)
                if binary.op.id() == promql_parser::parser::token::T_LUNLESS)
        })
}

fn equalities(selector: &query::Selector<'_>) -> BTreeSet<(String, String)> {
    let equal = selector.matchers().filter(|matcher| matcher.op == MatchOp::Equal);
    equal.map(|matcher| (matcher.name.clone(), matcher.value.clone())).collect()
}

/// Of two alerts of a name that compare the same, the graver one is the harder to reach.
fn inverted(setup: &Setup<'_>, report: &mut Report) {
    let compared: Vec<(&SourceRule<'_>, &Query<'_>, Comparison<'_>, usize)> = setup
        .rules()
        .filter_map(|(rule, query)| {
            let grave = gravity(rule.severity.as_deref()?)?;
            rule.alert()?;
            Some((rule, query, condition(query.promql()?)?, grave))
        })
        .collect();
    for (index, (rule, query, one, grave)) in compared.iter().enumerate() {
        for (other_rule, other_query, other, other_grave) in &compared[..index] {
            let is_pair = rule.alert() == other_rule.alert()
                && one.of.to_string() == other.of.to_string()
                && one.operator == other.operator;
            let harder = if one.is_above() { one.with > other.with } else { one.with < other.with };
            let is_inverted = (harder && grave < other_grave)
                || (!harder && one.with != other.with && grave > other_grave);
            if is_pair && is_inverted {
                let name = rule.alert().unwrap_or_default();
                let line = other_query.place().line;
                let severity = |rule: &SourceRule<'_>| rule.severity.clone().unwrap_or_default();
                let why = format!(
                    "{name} is {} at {} here and {} at {} in line {line}: the graver one comes first, and the milder one says nothing new",
                    severity(rule),
                    one.with,
                    severity(other_rule),
                    other.with
                );
                report.query(
                    &INVERTED_SEVERITIES,
                    query,
                    &one.with.to_string(),
                    why,
                    "exchange the thresholds or the severities",
                );
            }
        }
    }
}

fn gravity(severity: &str) -> Option<usize> {
    const ASCENDING: [&[&str]; 4] = [
        &["none", "debug"],
        &["info", "informational"],
        &["warning", "warn"],
        &["critical", "page"],
    ];
    ASCENDING.iter().position(|words| words.contains(&severity.to_lowercase().as_str()))
}

/// Labels that stand in templates, and are in no series of the expression.
fn labels(rule: &SourceRule<'_>, expression: &Expr, report: &mut Report) {
    let has = query::labels(expression);
    let added: Vec<&str> = rule
        .node
        .get("labels")
        .into_iter()
        .flat_map(Node::entries)
        .map(|(key, _)| &*key.name)
        .collect();
    let annotations = rule.node.get("annotations").into_iter().flat_map(Node::entries);
    for (_, annotation) in annotations {
        let text = annotation.text().unwrap_or_default();
        let lost: BTreeSet<&str> = labels_in(text)
            .filter(|label| !has.may_have(label) && !added.contains(label) && *label != "alertname")
            .collect();
        for label in lost {
            let why = format!(
                "the expression keeps no label {label}: the text shows nothing in its place"
            );
            let better = format!("keep {label} in by (…), or leave it out of the text");
            report.rule(&LABEL_LOST, (rule, rule.origin.of_node(annotation)), why, better);
        }
    }
}

/// The names in `{{ $labels.name }}`. What is asked for with `with` or `if` may be missing.
fn labels_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("$labels.").zip(text.split("$labels.").skip(1)).filter_map(|(before, after)| {
        let is_asked = ["with ", "if ", "or ", "and "].iter().any(|word| before.ends_with(word));
        let end = after.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let name = &after[..end.unwrap_or(after.len())];
        (!is_asked && !name.is_empty()).then_some(name)
    })
}
