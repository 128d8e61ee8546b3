//! A PromQL expression, and what the checks want to know of it.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Result, anyhow};
use promql_parser::label::MatchOp;
use promql_parser::parser::token::{T_GTE, T_GTR, T_LSS, T_LTE};
use promql_parser::parser::{
    self, AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorSelector,
};
use promql_parser::util::{ExprVisitor, walk_expr};

/// Functions that only make sense of what never falls.
const OF_COUNTERS: &[&str] = &["rate", "irate", "increase"];

/// An expression that parses.
pub(crate) struct Query {
    expression: Expr,
}

/// A name in an expression with its matchers, and the function that its range is given to.
#[derive(Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
    /// Whether it stands in `rate`, `irate` or `increase`.
    pub(crate) as_counter: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    /// What stands after `=~`.
    pub(crate) pattern: Option<String>,
    /// The values that it names one by one; none when it is a pattern with more to it.
    pub(crate) values: Vec<String>,
}

/// How far back a function looks.
#[derive(Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) function: String,
    pub(crate) length: Duration,
}

/// The labels that are kept, and the series below.
pub(crate) struct Grouping {
    pub(crate) labels: Vec<String>,
    pub(crate) series: Vec<String>,
}

/// A quantile of a histogram that is compared with a number.
#[derive(Debug, PartialEq)]
pub(crate) struct Threshold {
    pub(crate) series: String,
    pub(crate) value: f64,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let expression = parser::parse(text).map_err(|error| anyhow!("{error}"))?;
        Ok(Self { expression })
    }

    /// Every name that is asked for, in the order of the text.
    pub(crate) fn selectors(&self) -> Vec<Selector> {
        selectors(&self.expression)
    }

    /// Every range of time that a function is given.
    pub(crate) fn ranges(&self) -> Vec<Range> {
        collect(&self.expression, |expression| {
            let Expr::Call(Call { func, args }) = expression else { return None };
            let length = args.args.iter().find_map(|argument| match bare(argument) {
                Expr::MatrixSelector(matrix) => Some(matrix.range),
                _ => None,
            })?;
            Some(Range { function: func.name.to_owned(), length })
        })
    }

    /// Every `by (…)`.
    pub(crate) fn groupings(&self) -> Vec<Grouping> {
        collect(&self.expression, |expression| match expression {
            Expr::Aggregate(AggregateExpr {
                expr,
                modifier: Some(LabelModifier::Include(labels)),
                ..
            }) => {
                let series = selectors(expr).into_iter().map(|selector| selector.name).collect();
                Some(Grouping { labels: labels.labels.clone(), series })
            }
            _ => None,
        })
    }

    /// Every quantile that is compared with a number.
    pub(crate) fn thresholds(&self) -> Vec<Threshold> {
        collect(&self.expression, |expression| {
            let Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) = expression else { return None };
            let compares = [T_GTR, T_GTE, T_LSS, T_LTE].contains(&op.id());
            let (Some(series), Expr::NumberLiteral(number)) = (quantile_of(lhs), bare(rhs)) else {
                return None;
            };
            compares.then_some(Threshold { series, value: number.val })
        })
    }
}

fn selectors(expression: &Expr) -> Vec<Selector> {
    struct Names {
        found: Vec<Selector>,
        /// Set while the arguments of a function for counters are visited.
        in_counter: bool,
    }
    impl ExprVisitor for Names {
        type Error = Infallible;

        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
            match expression {
                Expr::VectorSelector(selector) => self.found.push(Selector::of(selector, false)),
                Expr::MatrixSelector(matrix) => {
                    self.found.push(Selector::of(&matrix.vs, self.in_counter));
                }
                Expr::Call(call) => self.in_counter = OF_COUNTERS.contains(&call.func.name),
                _ => {}
            }
            Ok(true)
        }

        fn post_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
            if matches!(expression, Expr::Call(_)) {
                self.in_counter = false;
            }
            Ok(true)
        }
    }
    let mut names = Names { found: Vec::new(), in_counter: false };
    let Ok(_) = walk_expr(&mut names, expression);
    names.found
}

impl Selector {
    fn of(selector: &VectorSelector, as_counter: bool) -> Self {
        let all =
            selector.matchers.matchers.iter().chain(selector.matchers.or_matchers.iter().flatten());
        let named = all.clone().find(|matcher| matcher.name == "__name__").map(|m| m.value.clone());
        let matchers = all.filter(|matcher| matcher.name != "__name__").map(|matcher| {
            let values = match &matcher.op {
                MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.clone()],
                MatchOp::Re(_) | MatchOp::NotRe(_) => alternatives(&matcher.value),
            };
            let pattern = matches!(matcher.op, MatchOp::Re(_)).then(|| matcher.value.clone());
            Matcher { label: matcher.name.clone(), pattern, values }
        });
        let name = selector.name.clone().or(named).unwrap_or_default();
        Self { name, matchers: matchers.collect(), as_counter }
    }
}

/// The values that a pattern names when it is only a list of them: `a|b`.
fn alternatives(pattern: &str) -> Vec<String> {
    let plain = |value: &str| {
        value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-/".contains(letter))
    };
    let values: Vec<&str> = pattern.split('|').collect();
    if values.iter().all(|value| !value.is_empty() && plain(value)) {
        values.into_iter().map(str::to_owned).collect()
    } else {
        Vec::new()
    }
}

/// The buckets that a quantile is taken from, when the expression is one.
fn quantile_of(expression: &Expr) -> Option<String> {
    match bare(expression) {
        Expr::Call(Call { func, .. }) if func.name == "histogram_quantile" => {
            selectors(expression).into_iter().next().map(|selector| selector.name)
        }
        _ => None,
    }
}

/// The expression without parentheses around it.
fn bare(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

/// What `pick` takes of each part of an expression, from the outside in.
fn collect<T>(expression: &Expr, pick: impl Fn(&Expr) -> Option<T>) -> Vec<T> {
    struct Picker<F, T> {
        pick: F,
        found: Vec<T>,
    }
    impl<F: Fn(&Expr) -> Option<T>, T> ExprVisitor for Picker<F, T> {
        type Error = Infallible;

        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
            self.found.extend((self.pick)(expression));
            Ok(true)
        }
    }
    let mut picker = Picker { pick, found: Vec::new() };
    let Ok(_) = walk_expr(&mut picker, expression);
    picker.found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text).expect("the expression parses")
    }

    #[test]
    fn names_are_found_with_their_matchers() {
        let query = query("sum(rate(a_total{b='1',c=~'x|y'}[5m])) / on (job) d{e!~'f.*'}");
        let selectors = query.selectors();
        let names: Vec<(&str, bool)> =
            selectors.iter().map(|s| (s.name.as_str(), s.as_counter)).collect();
        assert_eq!(names, [("a_total", true), ("d", false)]);
        let values: Vec<(&str, Vec<String>)> = selectors
            .iter()
            .flat_map(|s| &s.matchers)
            .map(|m| (m.label.as_str(), m.values.clone()))
            .collect();
        let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        assert_eq!(values, [("b", list(&["1"])), ("c", list(&["x", "y"])), ("e", list(&[]))]);
    }

    #[test]
    fn a_name_may_be_a_matcher() {
        assert_eq!(query("{__name__='up'}").selectors()[0].name, "up");
    }

    #[test]
    fn a_range_has_its_function() {
        let range = |function: &str, seconds| Range {
            function: function.to_owned(),
            length: Duration::from_secs(seconds),
        };
        let query = query("sum(rate(a_total[5m])) / max_over_time((b[1h])) + c");
        assert_eq!(query.ranges(), [range("rate", 300), range("max_over_time", 3_600)]);
    }

    #[test]
    fn a_pattern_is_known_as_it_is_written() {
        let matchers = &query("a{b=~'$c', d='e', f!~'g'}").selectors()[0].matchers;
        let patterns: Vec<Option<&str>> =
            matchers.iter().map(|matcher| matcher.pattern.as_deref()).collect();
        assert_eq!(patterns, [Some("$c"), None, None]);
    }

    #[test]
    fn groupings_know_what_is_below() {
        let query = query("max by (job) (sum by (le, job) (rate(a_bucket[5m])) + b)");
        let groupings = query.groupings();
        assert_eq!(groupings[0].series, ["a_bucket", "b"]);
        assert_eq!(groupings[1].labels, ["le", "job"]);
    }

    #[test]
    fn a_quantile_has_its_threshold() {
        let query =
            query("(histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))) > 0.5 and b > 3");
        assert_eq!(query.thresholds(), [Threshold { series: "a_bucket".to_owned(), value: 0.5 }]);
    }

    #[test]
    fn what_does_not_parse_is_said() {
        assert!(Query::parse("sum(").is_err());
        assert!(Query::parse("rate(x[$__rate_interval])").is_err());
    }
}
