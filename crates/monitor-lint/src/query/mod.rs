//! What the rules want to know of an expression in PromQL.

mod conditions;
mod labels;
pub(crate) mod variables;

use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_BOTTOMK, T_GTE, T_GTR, T_LSS, T_LTE, T_TOPK};
use promql_parser::parser::{AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorSelector};

pub(crate) use conditions::{Comparison, comparisons, condition, conditions};
pub(crate) use labels::labels;

/// A name in an expression, and what is above it.
pub(crate) struct Selector<'e> {
    pub(crate) vector: &'e VectorSelector,
    /// How far back is looked, where it is.
    pub(crate) range: Option<Duration>,
    /// The expressions that it stands in, from the outside in.
    pub(crate) within: Vec<&'e Expr>,
}

impl<'e> Selector<'e> {
    /// The name of the metric; empty when it is asked for by labels only.
    pub(crate) fn name(&self) -> &'e str {
        name(self.vector)
    }

    /// The function that it is given to, the nearest one.
    pub(crate) fn function(&self) -> Option<&'e str> {
        self.within.iter().rev().find_map(|above| match above {
            Expr::Call(Call { func, .. }) => Some(func.name),
            _ => None,
        })
    }

    /// Whether a function of this name is anywhere above.
    pub(crate) fn is_in(&self, functions: &[&str]) -> bool {
        self.within.iter().any(|above| is_call_of(above, functions))
    }

    pub(crate) fn matchers(&self) -> impl Iterator<Item = &'e Matcher> {
        matchers(self.vector)
    }
}

/// The name of the metric; empty when there is none.
pub(crate) fn name(vector: &VectorSelector) -> &str {
    let by_label = || {
        let mut all = vector.matchers.matchers.iter();
        let named = all.find(|matcher| matcher.name == "__name__" && matcher.op == MatchOp::Equal);
        named.map(|matcher| matcher.value.as_str())
    };
    vector.name.as_deref().or_else(by_label).unwrap_or_default()
}

/// The matchers of labels, not that of the name.
pub(crate) fn matchers(vector: &VectorSelector) -> impl Iterator<Item = &Matcher> {
    let all = vector.matchers.matchers.iter().chain(vector.matchers.or_matchers.iter().flatten());
    all.filter(|matcher| matcher.name != "__name__")
}

/// The expression without parentheses around it.
pub(crate) fn bare(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

/// What an expression is made of.
pub(crate) fn children(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Aggregate(AggregateExpr { expr, param, .. }) => {
            param.iter().map(|param| &**param).chain([&**expr]).collect()
        }
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(BinaryExpr { lhs, rhs, .. }) => vec![lhs, rhs],
        Expr::Paren(inner) => vec![&inner.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(|argument| &**argument).collect(),
        _ => Vec::new(),
    }
}

/// An expression and all in it, from the outside in.
pub(crate) fn parts(expression: &Expr) -> Vec<&Expr> {
    let mut found = vec![expression];
    let mut at = 0;
    while at < found.len() {
        let inner = children(found[at]);
        found.extend(inner);
        at += 1;
    }
    found
}

/// Every name in an expression.
pub(crate) fn selectors(expression: &Expr) -> Vec<Selector<'_>> {
    fn collect<'e>(
        expression: &'e Expr,
        within: &mut Vec<&'e Expr>,
        found: &mut Vec<Selector<'e>>,
    ) {
        match expression {
            Expr::VectorSelector(vector) => {
                found.push(Selector { vector, range: None, within: within.clone() });
            }
            Expr::MatrixSelector(matrix) => {
                let range = Some(matrix.range);
                found.push(Selector { vector: &matrix.vs, range, within: within.clone() });
            }
            other => {
                within.push(other);
                for child in children(other) {
                    collect(child, within, found);
                }
                within.pop();
            }
        }
    }
    let mut found = Vec::new();
    collect(expression, &mut Vec::new(), &mut found);
    found
}

pub(crate) fn is_call_of(expression: &Expr, functions: &[&str]) -> bool {
    matches!(expression, Expr::Call(Call { func, .. }) if functions.contains(&func.name))
}

/// Whether series are put together somewhere in it.
pub(crate) fn is_aggregated(expression: &Expr) -> bool {
    parts(expression).into_iter().any(is_aggregation)
}

/// Whether it puts series together. `topk` and `bottomk` only choose some.
pub(crate) fn is_aggregation(expression: &Expr) -> bool {
    matches!(expression, Expr::Aggregate(AggregateExpr { op, .. })
        if ![T_TOPK, T_BOTTOMK].contains(&op.id()))
}

/// The number that an expression always is.
pub(crate) fn number(expression: &Expr) -> Option<f64> {
    use promql_parser::parser::token::{T_ADD, T_DIV, T_MUL, T_POW, T_SUB};
    match bare(expression) {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Unary(unary) => number(&unary.expr).map(|value| -value),
        Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) => {
            let (left, right) = (number(lhs)?, number(rhs)?);
            match op.id() {
                T_ADD => Some(left + right),
                T_SUB => Some(left - right),
                T_MUL => Some(left * right),
                T_DIV => Some(left / right),
                T_POW => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether numbers are compared by their order.
pub(crate) fn is_order(operator: u16) -> bool {
    [T_GTR, T_GTE, T_LSS, T_LTE].contains(&operator)
}

/// The labels that an aggregation names, and whether it keeps those (`by`) or all others.
pub(crate) fn grouping(expression: &AggregateExpr) -> (bool, &[String]) {
    match &expression.modifier {
        None => (true, &[]),
        Some(LabelModifier::Include(labels)) => (true, &labels.labels),
        Some(LabelModifier::Exclude(labels)) => (false, &labels.labels),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use promql_parser::parser;

    use super::*;

    pub(crate) fn expression(text: &str) -> Expr {
        parser::parse(text).expect("it is PromQL")
    }

    #[test]
    fn names_know_what_they_stand_in() {
        let expression = expression("sum(rate(a_total{b='1'}[5m])) / scalar({__name__='c'})");
        let found = selectors(&expression);
        let told: Vec<_> = found.iter().map(|one| (one.name(), one.function())).collect();
        assert_eq!(told, [("a_total", Some("rate")), ("c", Some("scalar"))]);
        assert_eq!(found[0].range, Some(Duration::from_secs(300)));
        assert_eq!(found[0].matchers().count() + found[1].matchers().count(), 1);
    }

    #[test]
    fn numbers_may_be_calculated() {
        assert_eq!(number(&expression("(14 * 86400)")), Some(14.0 * 86400.0));
        assert_eq!(number(&expression("-1 + up")), None);
    }
}
