//! Counters and gauges, and the functions that are made for one of them.

use promql_parser::parser::Expr;

use crate::catalogue::Kind;
use crate::finding::{Fix, Report, Rule};
use crate::query::{self, Selector, selectors};
use crate::source::{Query, Setup, Subject};

pub(super) const RATE_OF_GAUGE: Rule =
    Rule::error("rate-of-gauge", "a function for counters is given a gauge");
pub(super) const DELTA_OF_COUNTER: Rule =
    Rule::error("delta-of-counter", "a function for gauges is given a counter");
pub(super) const COUNTER_AS_GAUGE: Rule =
    Rule::warning("counter-as-gauge", "a counter is read as if it said how many there are now");
pub(super) const WINDOW_TOO_SHORT: Rule =
    Rule::warning("window-too-short", "a window holds fewer than four samples");
pub(super) const RATE_INTERVAL: Rule =
    Rule::warning("rate-interval", "a rate on a board is not taken over $__rate_interval");

/// Functions that take every fall for a restart.
const FOR_COUNTERS: [&str; 3] = ["rate", "irate", "increase"];

/// Functions that take a restart for a fall.
const FOR_GAUGES: [&str; 4] = ["delta", "idelta", "deriv", "predict_linear"];

/// What of a counter says something without a rate: whether it is there, changed or began anew.
const FINE_FOR_COUNTERS: [&str; 10] = [
    "absent",
    "absent_over_time",
    "changes",
    "count_over_time",
    "increase",
    "irate",
    "present_over_time",
    "rate",
    "resets",
    "timestamp",
];

/// Functions of Prometheus that look at the last samples of a window and make a level of them.
const LEVELS: [&str; 6] = [
    "avg_over_time",
    "max_over_time",
    "min_over_time",
    "quantile_over_time",
    "last_over_time",
    "sum_over_time",
];

/// What is taken for what in a rate.
const INTERVALS: [&str; 2] = ["[$__interval]", "[$__rate_interval]"];

/// Four samples: two are needed, one may be missed, and one may be late.
const SAMPLES: u32 = 4;

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for query in &setup.queries {
        let Some(expression) = query.promql() else { continue };
        let known = |selector: &Selector<'_>| setup.catalogue.kind_of(selector.name());
        for selector in selectors(expression).iter().filter(|one| !one.name().is_empty()) {
            match known(selector) {
                Some(Kind::Gauge) => rate_of_gauge(query, selector, report),
                Some(Kind::Counter) => counter(query, selector, report),
                _ => {}
            }
            windows(setup, query, selector, report);
        }
    }
}

fn rate_of_gauge(query: &Query<'_>, selector: &Selector<'_>, report: &mut Report) {
    let Some(function) = selector.function().filter(|name| FOR_COUNTERS.contains(name)) else {
        return;
    };
    // A subquery gives what was calculated, not the gauge.
    if selector.range.is_none() {
        return;
    }
    let name = selector.name();
    let better = if name == "up" {
        "avg_over_time(up[…]) says how much of the time it was up".to_owned()
    } else {
        format!(
            "deriv({name}[…]) or delta({name}[…]) say how a gauge changes; {name} says how much it is"
        )
    };
    let why = format!(
        "{name} is a gauge: {function}() takes every fall of it for a restart, and adds it up"
    );
    report.query(&RATE_OF_GAUGE, query, &format!("{function}({name}"), why, better);
}

fn counter(query: &Query<'_>, selector: &Selector<'_>, report: &mut Report) {
    let name = selector.name();
    if let Some(function) = selector.function().filter(|name| FOR_GAUGES.contains(name))
        && selector.range.is_some()
    {
        let why =
            format!("{name} is a counter: after a restart {function}() sees a fall that was none");
        report.query(&DELTA_OF_COUNTER, query, function, why, format!("increase({name}[…])"));
        return;
    }
    let is_fine = selector.is_in(&FINE_FOR_COUNTERS)
        || selector.within.iter().any(|above| asks_whether(above));
    // What is recorded may be made for a rate of it; and buckets are asked for by le.
    if is_fine
        || matches!(query.subject, Subject::Record(_) | Subject::Command)
        || name.ends_with("_bucket")
    {
        return;
    }
    let said = match selector.function().filter(|name| LEVELS.contains(name)) {
        Some(function) => {
            format!("{function}() of {name}, a counter, is what was counted since its start")
        }
        None => format!(
            "{name} is a counter: it says how many there were since the start, not how many there are"
        ),
    };
    let better = format!(
        "rate({name}[…]) for how many a second, increase({name}[…]) for how many; for how many there are now, a gauge"
    );
    report.query(&COUNTER_AS_GAUGE, query, name, said, better);
}

/// Whether it asks for series and not for their values: `count`, `group`, `x > 0`, `unless`.
fn asks_whether(expression: &Expr) -> bool {
    use promql_parser::parser::token::{T_COUNT, T_DIV, T_GROUP, T_LAND, T_LUNLESS, T_SUB};
    match expression {
        Expr::Aggregate(aggregate) => [T_COUNT, T_GROUP].contains(&aggregate.op.id()),
        Expr::Binary(binary) => {
            let is_set = [T_LAND, T_LUNLESS].contains(&binary.op.id());
            let compares = binary.op.is_comparison_operator();
            let with_offset =
                query::selectors(expression).iter().any(|one| one.vector.offset.is_some());
            let one = query::number(&binary.rhs).is_some_and(|value| value == 0.0 || value == 1.0);
            // What is between two counters, or the share of one, may be meant since the start.
            let is_between = [T_SUB, T_DIV].contains(&binary.op.id())
                && query::number(&binary.lhs).is_none()
                && query::number(&binary.rhs).is_none();
            is_set || with_offset || is_between || compares && one
        }
        _ => false,
    }
}

fn windows(setup: &Setup<'_>, query: &Query<'_>, selector: &Selector<'_>, report: &mut Report) {
    let (Some(range), Some(function)) = (selector.range, selector.function()) else { return };
    let is_rate = FOR_COUNTERS.contains(&function);
    let is_panel = matches!(query.subject, Subject::Panel(_));
    if is_panel && query.text.contains("[$__interval]") && is_rate {
        let why = "$__interval may be shorter than two scrapes, and then there is nothing to take a rate of";
        report
            .query(
                &RATE_INTERVAL,
                query,
                "$__interval",
                why,
                "[$__rate_interval], which is never shorter than four scrapes",
            )
            .fix =
            Some(Fix::Replace { from: INTERVALS[0].to_owned(), to: INTERVALS[1].to_owned() });
        return;
    }
    if !is_rate || query.text.contains('$') {
        return;
    }
    let Some(interval) = super::prometheus::scrape_interval(setup) else { return };
    if range < interval * SAMPLES {
        let (range, seconds) = (range.as_secs(), interval.as_secs());
        let why = format!(
            "a window of {range} s at a scrape every {seconds} s: one scrape that is late or missed, and there is no rate"
        );
        let better = format!("a window of at least {} s", seconds * u64::from(SAMPLES));
        report.query(&WINDOW_TOO_SHORT, query, selector.name(), why, better);
    }
}
