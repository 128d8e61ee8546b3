//! What cannot be read at all, or is read by a program that speaks another language.

use crate::finding::{Report, Rule};
use crate::query::variables;
use crate::source::{Ast, Kind, Place, Query, Setup, Subject};

pub(super) const UNREADABLE: Rule = Rule::error("unreadable", "a file or a block cannot be read");
pub(super) const QUERY_SYNTAX: Rule = Rule::error("query-syntax", "a query cannot be read");
pub(super) const LOGQL_IN_PROMETHEUS: Rule =
    Rule::error("logql-in-prometheus", "a query of Loki stands where Prometheus reads it");
pub(super) const LOGQL_TIME: Rule =
    Rule::error("logql-time", "a query of Loki compares times, which it cannot");

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for (place, why) in &setup.unreadable {
        unreadable(*place, why, report);
    }
    for query in &setup.queries {
        if let Ast::Broken(why) = &query.ast {
            broken(query, why, report);
        }
    }
    logql_in_prometheus(setup, report);
}

fn unreadable(place: Place<'_>, why: &str, report: &mut Report) {
    let line = place.file.line(place.line).unwrap_or_default();
    // Templates of Helm and the like are files of another kind.
    if place.file.text.contains("{{-") || line.contains("{{") || line.trim() == "..." {
        return;
    }
    let better = if line.contains("//") && place.file.path.ends_with("md") {
        "JSON has no comments: leave it out"
    } else {
        "correct it where the caret stands, or just before"
    };
    report.at(&UNREADABLE, place, why, better);
}

fn broken(query: &Query<'_>, why: &str, report: &mut Report) {
    if query.text.starts_with('{') && query.text.contains("now()") {
        let why = "LogQL knows no now() and no times: which time is asked for is a parameter of the request";
        report.query(&LOGQL_TIME, query, "now()", why, "leave it out, and choose the time in Grafana, with --since of logcli, or with start and end");
        return;
    }
    // What a variable stands for is not known here: it may be an operator, or a list of labels.
    if variables::has_unquoted(&query.text) {
        return;
    }
    // A guide that shows only how something begins says so.
    if query.text.contains("...") || query.text.contains('…') {
        return;
    }
    report.query(
        &QUERY_SYNTAX,
        query,
        &query.text,
        why,
        "a query that can be read: promtool promql format shows where it ends",
    );
}

/// A guide whose Loki has no ruler can only mean Prometheus; in a file, one rule that Prometheus
/// alone reads says whose it is.
fn logql_in_prometheus(setup: &Setup<'_>, report: &mut Report) {
    let has_ruler = setup.of_kind(Kind::Loki).any(|loki| loki.node.get("ruler").is_some());
    let files_of_prometheus: Vec<&str> = setup
        .rules()
        .filter(|(_, query)| {
            query.promql().is_some_and(|one| !crate::query::selectors(one).is_empty())
        })
        .map(|(_, query)| query.place().file.path.as_str())
        .collect();
    for query in &setup.queries {
        let is_rule = matches!(query.subject, Subject::Alert(_) | Subject::Record(_));
        let path = query.place().file.path.as_str();
        let is_of_prometheus =
            if setup.is_guide { !has_ruler } else { files_of_prometheus.contains(&path) };
        if is_rule && is_of_prometheus && query.logql().is_some() {
            let why =
                "this is LogQL: Prometheus refuses the whole file, and loads none of its rules";
            let better = "a file for the ruler of Loki; or count the same with a metric";
            report.query(&LOGQL_IN_PROMETHEUS, query, &query.text, why, better);
        }
    }
}
