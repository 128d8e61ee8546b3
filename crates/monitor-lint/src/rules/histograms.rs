//! Quantiles of histograms.

use promql_parser::parser::{AggregateExpr, Call, Expr};

use crate::finding::{Report, Rule};
use crate::query::{self, bare, comparisons, grouping, is_aggregation, parts, selectors};
use crate::source::{Node, Query, Setup};

pub(super) const QUANTILE_OF_EACH: Rule =
    Rule::warning("quantile-of-each-series", "a quantile is taken of each series alone");
pub(super) const QUANTILE_WITHOUT_LE: Rule =
    Rule::error("quantile-without-le", "the buckets are put together before the quantile is taken");
pub(super) const QUANTILE_THRESHOLD: Rule =
    Rule::error("quantile-threshold", "a quantile is compared with what it cannot tell");

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for query in &setup.queries {
        let Some(expression) = query.promql() else { continue };
        for part in parts(expression) {
            if let Some(buckets) = quantile(part) {
                grouping_of(setup, query, buckets, report);
            }
        }
        for comparison in comparisons(expression) {
            if quantile(comparison.of).is_some() && query::is_order(comparison.operator) {
                threshold(setup, query, comparison, report);
            }
        }
    }
}

/// The buckets that a quantile is taken of.
fn quantile(expression: &Expr) -> Option<&Expr> {
    let Expr::Call(Call { func, args }) = bare(expression) else { return None };
    let buckets = args.args.last()?;
    let is_classic = selectors(buckets).iter().any(|one| one.name().ends_with("_bucket"));
    (func.name == "histogram_quantile" && is_classic).then_some(bare(buckets))
}

fn grouping_of(setup: &Setup<'_>, query: &Query<'_>, buckets: &Expr, report: &mut Report) {
    let name = selectors(buckets)[0].name();
    if let Expr::Aggregate(aggregate) = buckets
        && is_aggregation(buckets)
    {
        without_le(query, aggregate, report);
        return;
    }
    // With no label but le there is one series for each target.
    let has_labels = setup.catalogue.labels_of(name).is_none_or(|labels| labels.len() > 1);
    // Whoever names each line means each series.
    let names_each = query.legend.contains("{{") || names_labels(setup, query);
    if has_labels && !names_each && !query::is_aggregated(buckets) {
        let why = "there is a quantile for each series, each target and each value of each label, and one slow request of a rare one is all of it";
        let better = format!(
            "histogram_quantile(…, sum by (le) (rate({name}[…]))), with the labels that matter beside le"
        );
        report.query(&QUANTILE_OF_EACH, query, "histogram_quantile", why, better);
    }
}

/// Whether it is the query of an alert whose text says which series it is.
fn names_labels(setup: &Setup<'_>, query: &Query<'_>) -> bool {
    setup.rules().any(|(rule, of)| {
        let mut texts = rule.node.get("annotations").into_iter().flat_map(Node::entries);
        std::ptr::eq(of, query)
            && texts.any(|(_, text)| text.text().is_some_and(|text| text.contains("$labels.")))
    })
}

fn without_le(query: &Query<'_>, aggregate: &AggregateExpr, report: &mut Report) {
    let (keeps, labels) = grouping(aggregate);
    let names_le = labels.iter().any(|label| label == "le");
    if keeps != names_le {
        let why =
            "the label le is gone, which says how far each bucket reaches: there is no quantile";
        let better = if keeps { "sum by (le, …)" } else { "sum without (…), not of le" };
        report.query(&QUANTILE_WITHOUT_LE, query, "histogram_quantile", why, better);
    }
}

fn threshold(
    setup: &Setup<'_>,
    query: &Query<'_>,
    comparison: query::Comparison<'_>,
    report: &mut Report,
) {
    let selectors = selectors(comparison.of);
    let Some(name) = selectors.first().map(query::Selector::name) else { return };
    let Some(buckets) = setup.catalogue.buckets_of(name) else { return };
    let (top, limit) = (buckets[buckets.len() - 1], comparison.with);
    if comparison.is_above() && limit >= top {
        let why = format!(
            "the last bucket of {name} ends at {top}, and no quantile is above that: it never exceeds {limit}"
        );
        report.query(
            &QUANTILE_THRESHOLD,
            query,
            "histogram_quantile",
            why,
            "a threshold below the last bucket, or more buckets above it",
        );
    } else if !buckets.contains(&limit) && limit > 0.0 {
        let below = buckets.iter().rev().find(|bound| **bound < limit).copied().unwrap_or(0.0);
        let above = buckets.iter().find(|bound| **bound > limit).copied().unwrap_or(top);
        let why = format!(
            "{name} has no bucket that ends at {limit}: what lies between {below} and {above} is guessed on a straight line"
        );
        report.query(
            &QUANTILE_THRESHOLD,
            query,
            "histogram_quantile",
            why,
            format!("{below} or {above}, where a bucket ends, or a bucket at {limit}"),
        );
    }
}
