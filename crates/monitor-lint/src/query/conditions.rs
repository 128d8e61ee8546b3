//! When an expression has a result: the comparisons in it, and what has to hold besides.

use promql_parser::parser::token::{
    T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_NEQ,
};
use promql_parser::parser::{BinaryExpr, Expr};

use super::{bare, number};

/// Something that is compared with a number.
#[derive(Clone, Copy)]
pub(crate) struct Comparison<'e> {
    pub(crate) of: &'e Expr,
    /// The number of its token.
    pub(crate) operator: u16,
    pub(crate) with: f64,
    /// Whether something else has to hold as well: it is not all that decides.
    pub(crate) is_guarded: bool,
}

impl Comparison<'_> {
    pub(crate) fn is_above(&self) -> bool {
        [T_GTR, T_GTE].contains(&self.operator)
    }

    /// Whether it holds for 0.
    pub(crate) fn holds_at_zero(&self) -> bool {
        match self.operator {
            T_EQLC => self.with == 0.0,
            T_NEQ => self.with != 0.0,
            T_LSS => 0.0 < self.with,
            T_LTE => 0.0 <= self.with,
            T_GTR => 0.0 > self.with,
            T_GTE => 0.0 >= self.with,
            _ => false,
        }
    }
}

/// The comparisons with numbers that decide whether there is a result.
pub(crate) fn conditions(expression: &Expr) -> Vec<Comparison<'_>> {
    let mut found = Vec::new();
    collect(expression, false, &mut found);
    found
}

/// The one comparison that alone decides, where there is one.
pub(crate) fn condition(expression: &Expr) -> Option<Comparison<'_>> {
    comparison(bare(expression), false)
}

/// Every comparison of something with a number, wherever it stands.
pub(crate) fn comparisons(expression: &Expr) -> Vec<Comparison<'_>> {
    let parts = super::parts(expression).into_iter();
    parts.filter_map(|part| comparison(part, false)).collect()
}

fn collect<'e>(expression: &'e Expr, is_guarded: bool, found: &mut Vec<Comparison<'e>>) {
    let Expr::Binary(BinaryExpr { op, lhs, rhs, .. }) = bare(expression) else { return };
    match op.id() {
        T_LOR => {
            collect(lhs, is_guarded, found);
            collect(rhs, is_guarded, found);
        }
        T_LAND => {
            collect(lhs, true, found);
            collect(rhs, true, found);
        }
        T_LUNLESS => collect(lhs, true, found),
        _ => found.extend(comparison(bare(expression), is_guarded)),
    }
}

fn comparison(expression: &Expr, is_guarded: bool) -> Option<Comparison<'_>> {
    let Expr::Binary(BinaryExpr { op, lhs, rhs, modifier }) = expression else { return None };
    let gives_truth = modifier.as_ref().is_some_and(|modifier| modifier.return_bool);
    if !op.is_comparison_operator() || gives_truth {
        return None;
    }
    let operator = op.id();
    if let (None, Some(with)) = (number(lhs), number(rhs)) {
        return Some(Comparison { of: bare(lhs), operator, with, is_guarded });
    }
    let with = number(lhs)?;
    number(rhs).is_none().then(|| {
        let operator = match operator {
            T_GTR => T_LSS,
            T_GTE => T_LTE,
            T_LSS => T_GTR,
            T_LTE => T_GTE,
            same => same,
        };
        Comparison { of: bare(rhs), operator, with, is_guarded }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::expression;
    use super::*;

    #[test]
    fn what_decides_is_told_from_what_else_has_to_hold() {
        let expression = expression("(a > 1 and b < 2) or 3 >= c or (d == bool 0)");
        let found: Vec<_> = conditions(&expression)
            .iter()
            .map(|one| (one.with, one.is_guarded, one.is_above()))
            .collect();
        assert_eq!(found, [(1.0, true, true), (2.0, true, false), (3.0, false, false)]);
        assert!(condition(&expression).is_none());
    }

    #[test]
    fn zero_is_compared_too() {
        for (text, expected) in
            [("a == 0", true), ("a < 5", true), ("a > 5", false), ("a >= 0", true)]
        {
            let expression = expression(text);
            assert_eq!(
                condition(&expression).map(|one| one.holds_at_zero()),
                Some(expected),
                "{text}"
            );
        }
    }
}
