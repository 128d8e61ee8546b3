//! The labels that the series of an expression have.

use std::collections::BTreeSet;

use promql_parser::parser::token::{T_COUNT_VALUES, T_LAND, T_LUNLESS};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use super::{bare, grouping, is_aggregation, number};

/// What is known of the labels of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Labels {
    /// It has these at most.
    AtMost(BTreeSet<String>),
    /// It has all that its series have but these.
    AllBut(BTreeSet<String>),
}

impl Labels {
    fn any() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    pub(crate) fn may_have(&self, label: &str) -> bool {
        match self {
            Self::AtMost(labels) => labels.contains(label),
            Self::AllBut(labels) => !labels.contains(label),
        }
    }
}

/// The labels of an expression. Targets may have labels of any name, so those of a metric are never all
/// known.
pub(crate) fn labels(expression: &Expr) -> Labels {
    match bare(expression) {
        Expr::Aggregate(aggregate) if !is_aggregation(bare(expression)) => labels(&aggregate.expr),
        Expr::Aggregate(aggregate) => of_aggregation(aggregate),
        Expr::Unary(unary) => labels(&unary.expr),
        Expr::Subquery(subquery) => labels(&subquery.expr),
        Expr::Binary(binary) => of_operation(binary),
        Expr::Call(call) => of_call(call),
        _ => Labels::any(),
    }
}

fn of_aggregation(aggregate: &AggregateExpr) -> Labels {
    let inner = labels(&aggregate.expr);
    let (keeps, named) = grouping(aggregate);
    let named: BTreeSet<String> = named.iter().cloned().collect();
    if aggregate.op.id() == T_COUNT_VALUES {
        return Labels::any();
    }
    match (keeps, inner) {
        (true, Labels::AllBut(gone)) => Labels::AtMost(named.difference(&gone).cloned().collect()),
        (true, Labels::AtMost(there)) => {
            Labels::AtMost(named.intersection(&there).cloned().collect())
        }
        (false, Labels::AllBut(gone)) => Labels::AllBut(named.union(&gone).cloned().collect()),
        (false, Labels::AtMost(there)) => {
            Labels::AtMost(there.difference(&named).cloned().collect())
        }
    }
}

fn of_operation(binary: &BinaryExpr) -> Labels {
    let (left, right) = (labels(&binary.lhs), labels(&binary.rhs));
    if number(&binary.rhs).is_some() || [T_LAND, T_LUNLESS].contains(&binary.op.id()) {
        return left;
    }
    if number(&binary.lhs).is_some() {
        return right;
    }
    let Some(modifier) = &binary.modifier else { return either(left, right) };
    match (&modifier.card, &modifier.matching) {
        (VectorMatchCardinality::OneToOne, Some(LabelModifier::Include(on))) => {
            Labels::AtMost(on.labels.iter().cloned().collect())
        }
        _ => either(left, right),
    }
}

/// What one or the other may have.
fn either(left: Labels, right: Labels) -> Labels {
    match (left, right) {
        (Labels::AtMost(left), Labels::AtMost(right)) => {
            Labels::AtMost(left.union(&right).cloned().collect())
        }
        (Labels::AllBut(left), Labels::AllBut(right)) => {
            Labels::AllBut(left.intersection(&right).cloned().collect())
        }
        (Labels::AllBut(gone), Labels::AtMost(there))
        | (Labels::AtMost(there), Labels::AllBut(gone)) => {
            Labels::AllBut(gone.difference(&there).cloned().collect())
        }
    }
}

fn of_call(call: &Call) -> Labels {
    match call.func.name {
        "histogram_quantile" | "histogram_fraction" => {
            let inner = call.args.args.last().map(|argument| labels(argument));
            match inner {
                Some(Labels::AtMost(mut there)) => {
                    there.remove("le");
                    Labels::AtMost(there)
                }
                other => other.unwrap_or_else(Labels::any),
            }
        }
        "scalar" | "time" | "vector" | "pi" => Labels::AtMost(BTreeSet::new()),
        // Their labels are made, or taken from the matchers.
        "absent" | "absent_over_time" | "label_replace" | "label_join" | "info" => Labels::any(),
        _ => {
            let series = call.args.args.iter().find(|argument| number(argument).is_none());
            series.map_or_else(Labels::any, |series| labels(series))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::expression;
    use super::*;

    #[test]
    fn aggregations_keep_what_they_name() {
        for (text, label, expected) in [
            ("sum by (a) (rate(b[5m])) > 1", "a", true),
            ("sum by (a) (rate(b[5m])) > 1", "job", false),
            ("sum without (a) (b)", "a", false),
            ("sum without (a) (b)", "job", true),
            ("sum(b)", "job", false),
            ("sum by (a) (b) / on (a) c", "job", false),
            ("sum by (a) (b) / on (a) group_right c", "job", true),
            ("b > 0 and on (a) sum by (a) (c)", "job", true),
            ("histogram_quantile(0.9, sum by (le, a) (b))", "le", false),
            ("histogram_quantile(0.9, sum by (le, a) (b))", "a", true),
            ("sum by (a) (b) or c", "job", true),
            ("absent(b{job='c'})", "job", true),
            ("topk(5, b)", "job", true),
            ("count_values('v', b)", "v", true),
            ("max by (a) (b) - time()", "a", true),
        ] {
            let found = labels(&expression(text));
            assert_eq!(found.may_have(label), expected, "{text}: {label}");
        }
    }
}
