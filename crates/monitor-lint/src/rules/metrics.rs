//! Names, labels and values that nothing has, as far as a catalogue says it.

use promql_parser::label::{MatchOp, Matcher};

use crate::catalogue::Catalogue;
use crate::finding::{Report, Rule};
use crate::query::{Selector, selectors};
use crate::source::{AlertOrRecord, Query, Setup};

pub(super) const UNKNOWN_METRIC: Rule =
    Rule::error("unknown-metric", "nothing exports a metric of this name");
pub(super) const UNKNOWN_LABEL: Rule =
    Rule::error("unknown-label", "the metric has no label of this name");
pub(super) const MATCHERS_CONTRADICT: Rule =
    Rule::error("matchers-contradict", "no series can fulfil all matchers of a selector");
pub(super) const UNKNOWN_VALUE: Rule =
    Rule::error("unknown-value", "the label never has this value");

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    let recorded: Vec<&str> = setup
        .rules
        .iter()
        .filter_map(|rule| match &rule.what {
            AlertOrRecord::Record(name) => Some(name.as_str()),
            AlertOrRecord::Alert(_) => None,
        })
        .collect();
    for query in &setup.queries {
        let Some(expression) = query.promql() else { continue };
        for selector in selectors(expression) {
            contradiction(query, &selector, report);
            let name = selector.name();
            if name.is_empty() || recorded.contains(&name) {
                continue;
            }
            if setup.catalogue.lacks(name) {
                unknown(&setup.catalogue, query, name, report);
            } else if !Catalogue::is_shared(name) {
                for matcher in selector.matchers() {
                    label(&setup.catalogue, query, &selector, matcher, report);
                }
            }
        }
    }
}

/// A label that has to be one value, which another matcher of it refuses. What a variable stands for
/// is not known.
fn contradiction(query: &Query<'_>, selector: &Selector<'_>, report: &mut Report) {
    if !selector.vector.matchers.or_matchers.is_empty() {
        return;
    }
    let known: Vec<&Matcher> = selector.matchers().filter(|one| !one.value.contains('$')).collect();
    let fixed = known.iter().filter(|one| one.op == MatchOp::Equal);
    for one in fixed {
        let refuses = |other: &&&Matcher| other.name == one.name && !holds(other, &one.value);
        if let Some(other) = known.iter().find(refuses) {
            let why = format!(
                "{} has to be \"{}\", and another matcher of it, \"{}\", does not let that pass: nothing is selected",
                one.name, one.value, other.value
            );
            report.query(&MATCHERS_CONTRADICT, query, &one.name, why, "one matcher of each label");
            return;
        }
    }
}

fn unknown(catalogue: &Catalogue, query: &Query<'_>, name: &str, report: &mut Report) {
    let better = catalogue.nearest(name).map_or_else(
        || "a name that the catalogue has".to_owned(),
        |nearest| format!("perhaps {nearest}"),
    );
    let why = format!(
        "{name} is not in the catalogue, which has the others of its kind: there is never a result"
    );
    report.query(&UNKNOWN_METRIC, query, name, why, better);
}

/// A matcher that an absent label fulfils is no mistake: it leaves nothing out.
fn label(
    catalogue: &Catalogue,
    query: &Query<'_>,
    selector: &Selector<'_>,
    matcher: &Matcher,
    report: &mut Report,
) {
    let (name, label) = (selector.name(), matcher.name.as_str());
    let Some(metric) = catalogue.metric_of(name) else { return };
    let Some(labels) = catalogue.labels_of(name) else { return };
    if !labels.contains(label) {
        let is_wanted =
            matches!(matcher.op, MatchOp::Equal | MatchOp::Re(_)) && !holds(matcher, "");
        if is_wanted && !Catalogue::is_of_target(label) && !matcher.value.contains('$') {
            let has: Vec<&str> = labels.iter().map(String::as_str).collect();
            let has = if has.is_empty() { "none of its own".to_owned() } else { has.join(", ") };
            let why = format!("{name} has no label {label}: there is never a result");
            report.query(&UNKNOWN_LABEL, query, label, why, format!("its labels: {has}"));
        }
        return;
    }
    let Some(values) = metric.values.get(label) else { return };
    let is_wanted = matches!(matcher.op, MatchOp::Equal | MatchOp::Re(_));
    let is_variable = matcher.value.contains('$') || matcher.value.is_empty();
    if is_wanted && !is_variable && !values.iter().any(|value| holds(matcher, value)) {
        let all: Vec<&str> = values.iter().map(String::as_str).collect();
        let why = format!("{label} of {name} is never {}", matcher.value);
        report.query(
            &UNKNOWN_VALUE,
            query,
            &matcher.value,
            why,
            format!("its values: {}", all.join(", ")),
        );
    }
}

fn holds(matcher: &Matcher, value: &str) -> bool {
    match &matcher.op {
        MatchOp::Equal => matcher.value == value,
        MatchOp::NotEqual => matcher.value != value,
        MatchOp::Re(pattern) => pattern.is_match(value),
        MatchOp::NotRe(pattern) => !pattern.is_match(value),
    }
}
