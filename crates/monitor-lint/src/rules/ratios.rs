//! Divisions and thresholds: what is divided by what, and what is compared with a fixed number.

use promql_parser::parser::token::{T_DIV, T_LAND, T_LOR, T_LUNLESS};
use promql_parser::parser::{BinaryExpr, Expr};

use crate::catalogue::{exporter_of, is_zero_without_limit};
use crate::finding::{Fix, Report, Rule};
use crate::query::{self, Selector, bare, conditions, is_aggregated, number, parts, selectors};
use crate::source::{Query, Setup, Subject};

pub(super) const RATIO_OF_ITSELF: Rule =
    Rule::error("ratio-of-itself", "each series is divided by itself");
pub(super) const LABELS_NEVER_MATCH: Rule =
    Rule::error("labels-never-match", "no series of one side has the labels of one of the other");
pub(super) const LIMIT_ZERO: Rule =
    Rule::error("limit-zero", "a limit that is not set is 0, and a share of it infinite");
pub(super) const DIVISION_UNGUARDED: Rule =
    Rule::info("division-unguarded", "while nothing happens nothing is divided by nothing");
pub(super) const ABSOLUTE_THRESHOLD: Rule =
    Rule::warning("absolute-threshold", "a fixed number where a share is meant");

/// Words in the name of a counter for what went wrong.
const FAILURES: [&str; 6] = ["error", "errors", "failure", "failures", "failed", "rejected"];

/// Words in the name of a gauge for how many clients there are.
const CLIENTS: [&str; 4] = ["connections", "clients", "sessions", "subscribers"];

/// Parts of the names of what is added up and not counted: divided by how many, it is an average.
const AMOUNTS: [&str; 5] = ["seconds", "_bytes", "_sum", "duration", "otalTime"];

/// A fixed number of clients below this is no matter of how large a server is.
const FEW_CLIENTS: f64 = 100.0;

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for query in &setup.queries {
        let Some(expression) = query.promql() else { continue };
        for part in parts(expression) {
            let Expr::Binary(binary) = part else { continue };
            never_match(setup, query, binary, report);
            if binary.op.id() == T_DIV {
                ratio_of_itself(query, binary, report);
                limit_zero(query, binary, report);
                unguarded(query, binary, report);
            }
        }
        if query.is_alert() {
            absolute(setup, query, expression, report);
        }
    }
}

/// A part of what is counted divided by all of it, both with all their labels: what matches is the
/// same series on both sides.
fn ratio_of_itself(query: &Query<'_>, binary: &BinaryExpr, report: &mut Report) {
    if is_aggregated(&binary.lhs) || is_aggregated(&binary.rhs) || has_matching(binary) {
        return;
    }
    let (left, right) = (selectors(&binary.lhs), selectors(&binary.rhs));
    let ([part], [whole]) = (&left[..], &right[..]) else { return };
    let more = part.matchers().filter(|one| whole.matchers().all(|other| other != *one));
    let less = whole.matchers().filter(|one| part.matchers().all(|other| other != *one)).count();
    let more: Vec<&str> = more.map(|matcher| matcher.name.as_str()).collect();
    if part.name() != whole.name() || part.name().is_empty() || more.is_empty() || less > 0 {
        return;
    }
    let label = more[0];
    let why = format!(
        "both sides have the label {label}: a series meets only itself, and the share is always 1"
    );
    let name = part.name();
    let better = format!(
        "sum by (…) (rate({name}{{{label}…}}[…])) / sum by (…) (rate({name}[…])), without {label} in by"
    );
    report.query(&RATIO_OF_ITSELF, query, name, why, better);
}

fn has_matching(binary: &BinaryExpr) -> bool {
    binary.modifier.as_ref().is_some_and(|modifier| modifier.matching.is_some())
}

fn never_match(setup: &Setup<'_>, query: &Query<'_>, binary: &BinaryExpr, report: &mut Report) {
    let is_free = is_aggregated(&binary.lhs) || is_aggregated(&binary.rhs) || has_matching(binary);
    let is_or = [T_LOR, T_LUNLESS].contains(&binary.op.id());
    let is_number = number(&binary.lhs).is_some() || number(&binary.rhs).is_some();
    if is_free || is_or || is_number {
        return;
    }
    let (left, right) = (selectors(&binary.lhs), selectors(&binary.rhs));
    let ([one], [other]) = (&left[..], &right[..]) else { return };
    let fixes_labels = |side: &Expr| {
        parts(side).into_iter().any(|part| {
            query::is_call_of(part, &["label_replace", "label_join", "scalar", "vector", "absent"])
        })
    };
    if fixes_labels(&binary.lhs) || fixes_labels(&binary.rhs) {
        return;
    }
    let why = other_exporter(one, other).or_else(|| other_labels(setup, one, other));
    if let Some(why) = why {
        let better = "aggregate both sides to the labels that they share, or name these: / on (…) group_left";
        report.query(&LABELS_NEVER_MATCH, query, one.name(), why, better);
    }
}

/// Two programs are two targets, with two instances.
fn other_exporter(one: &Selector<'_>, other: &Selector<'_>) -> Option<String> {
    let (left, right) = (exporter_of(one.name()), exporter_of(other.name()));
    let named = left.or(right)?;
    if left == right || is_generic(one.name()) || is_generic(other.name()) {
        return None;
    }
    let (one, other) = (one.name(), other.name());
    Some(format!(
        "{one} and {other} come from two targets ({} is one of its own): their instance and job differ, so there is never a result",
        named.name
    ))
}

/// Names without a first word, recorded ones, and those of any process may come from anywhere.
fn is_generic(name: &str) -> bool {
    let anywhere = ["process_", "go_", "scrape_", "up", "ALERTS"];
    name.is_empty() || name.contains(':') || anywhere.iter().any(|start| name.starts_with(start))
}

fn other_labels(setup: &Setup<'_>, one: &Selector<'_>, other: &Selector<'_>) -> Option<String> {
    if one.name() == other.name() {
        return None;
    }
    let left = setup.catalogue.labels_of(one.name())?;
    let right = setup.catalogue.labels_of(other.name())?;
    let only = |mine: &std::collections::BTreeSet<String>,
                theirs: &std::collections::BTreeSet<String>| {
        mine.difference(theirs)
            .find(|label| *label != "server" && *label != "device_error")
            .cloned()
    };
    let (label, has, lacks) = match (only(&left, &right), only(&right, &left)) {
        (Some(label), _) => (label, one.name(), other.name()),
        (None, Some(label)) => (label, other.name(), one.name()),
        (None, None) => return None,
    };
    Some(format!(
        "{has} has the label {label} and {lacks} has not: without on (…) all labels have to be the same, so there is never a result"
    ))
}

fn limit_zero(query: &Query<'_>, binary: &BinaryExpr, report: &mut Report) {
    let below = match bare(&binary.rhs) {
        Expr::VectorSelector(vector) => query::name(vector),
        Expr::Aggregate(aggregate) => match bare(&aggregate.expr) {
            Expr::VectorSelector(vector) => query::name(vector),
            _ => return,
        },
        _ => return,
    };
    if is_zero_without_limit(below) {
        let why = format!(
            "{below} is 0 where no limit is set; divided by it everything is +Inf, above any threshold"
        );
        report.query(&LIMIT_ZERO, query, below, why, format!("/ ({below} > 0)")).fix =
            guarded(&query.text, below);
    }
}

/// The limit with its matchers, as it stands behind the sign of division, in parentheses.
fn guarded(text: &str, limit: &str) -> Option<Fix> {
    let (at, _) = text.match_indices(limit).find(|(at, _)| {
        let after = text[at + limit.len()..].chars().next();
        text[..*at].trim_end().ends_with('/')
            && !after.is_some_and(|letter| letter.is_alphanumeric() || "_:".contains(letter))
    })?;
    let slash = text[..at].rfind('/')?;
    let rest = &text[at + limit.len()..];
    let matchers = if rest.starts_with('{') { rest.find('}')? + 1 } else { 0 };
    let end = at + limit.len() + matchers;
    let (from, vector) = (&text[slash..end], &text[at..end]);
    Some(Fix::Replace { from: from.to_owned(), to: format!("/ ({vector} > 0)") })
}

/// Alerts are left alone: what is no number is above no threshold.
fn unguarded(query: &Query<'_>, binary: &BinaryExpr, report: &mut Report) {
    if !matches!(query.subject, Subject::Panel(_) | Subject::Block(_)) {
        return;
    }
    let below = selectors(&binary.rhs);
    let is_rate = |one: &Selector<'_>| one.is_in(&["rate", "irate", "increase"]);
    let is_guarded = parts(&binary.rhs).into_iter().any(|part| {
        query::is_call_of(part, &["clamp_min", "clamp"])
            || matches!(part, Expr::Binary(inner) if inner.op.is_comparison_operator() || [T_LOR, T_LAND].contains(&inner.op.id()))
    });
    // Of nothing there is no average, and a gap is right.
    let above = selectors(&binary.lhs);
    let is_average = below.iter().all(|one| one.name().ends_with("_count"))
        || above.iter().any(|one| AMOUNTS.iter().any(|word| one.name().contains(word)));
    if is_guarded || is_average || below.is_empty() || !below.iter().all(is_rate) {
        return;
    }
    let name = below[0].name();
    let why = "while nothing happens both sides are 0, and 0 / 0 is no number: the panel has gaps, or says NaN";
    report.query(
        &DIVISION_UNGUARDED,
        query,
        name,
        why,
        "/ (… > 0), which then has no result, or / clamp_min(…, 1e-9), which is then 0",
    );
}

/// How many failures or clients are too many depends on how many there are.
fn absolute(setup: &Setup<'_>, query: &Query<'_>, expression: &Expr, report: &mut Report) {
    for condition in conditions(expression).iter().filter(|one| one.is_above() && !one.is_guarded) {
        if parts(condition.of).iter().any(|part| is_division(part)) {
            continue;
        }
        let found = selectors(condition.of);
        let [selector] = &found[..] else { continue };
        let limit = condition.with;
        if limit > 0.0 && is_rate_of_failures(setup, selector) {
            let name = selector.name();
            let why = format!(
                "{limit} failures a second are nothing for a busy server, and a quiet one fails altogether and stays below"
            );
            let better = format!(
                "the share: sum by (…) (rate({name}{{…}}[…])) / sum by (…) (rate(…[…])) > …, and that there is enough of it"
            );
            report.query(&ABSOLUTE_THRESHOLD, query, name, why, better);
        } else if limit >= FEW_CLIENTS && selector.range.is_none() && is_clients(selector.name()) {
            let why = format!(
                "{limit} is little for one server and too much for another, and a day of growth makes it ring for good"
            );
            report.query(
                &ABSOLUTE_THRESHOLD,
                query,
                selector.name(),
                why,
                "a share of what the server takes at most",
            );
        } else if limit > 0.0 && limit < 1.0 && is_cores(selector) {
            let why = format!(
                "it is counted in cores: {limit} of one core is little where there are eight, and cannot be reached where a quarter is allowed"
            );
            report.query(
                &ABSOLUTE_THRESHOLD,
                query,
                selector.name(),
                why,
                "divide it by the cores that it may use",
            );
        }
    }
}

fn is_division(expression: &Expr) -> bool {
    matches!(expression, Expr::Binary(binary) if binary.op.id() == T_DIV && number(&binary.rhs).is_none())
}

/// Failures of which it is known what they are a part of: answers by their status, or a counter
/// beside one of all, or of successes.
fn is_rate_of_failures(setup: &Setup<'_>, selector: &Selector<'_>) -> bool {
    let name = selector.name();
    let failure = FAILURES.iter().find_map(|word| {
        let at = name.find(&format!("_{word}"))?;
        Some(&name[..=at])
    });
    let has_whole = failure.is_some_and(|stem| setup.catalogue.has_counter_like(stem, name));
    let is_server_error = selector.matchers().any(|matcher| {
        ["status", "code", "status_code"].contains(&matcher.name.as_str())
            && matcher.value.starts_with('5')
    });
    selector.is_in(&["rate", "irate"]) && (has_whole || is_server_error)
}

fn is_clients(name: &str) -> bool {
    !name.ends_with("_total") && name.split('_').any(|word| CLIENTS.contains(&word))
}

/// Seconds of a processor in a second, of all modes together.
fn is_cores(selector: &Selector<'_>) -> bool {
    let name = selector.name();
    let is_cpu = name.contains("_cpu_") && name.ends_with("seconds_total");
    let has_mode = selector.matchers().any(|matcher| matcher.name == "mode");
    is_cpu && !has_mode && selector.is_in(&["rate", "irate"])
}
