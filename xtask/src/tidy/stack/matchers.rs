//! The matchers of Alertmanager, as `severity="critical"` or `alertname=~"Chat.+"`.

use std::collections::BTreeMap;

use promql_parser::label;
use promql_parser::parser::token::{T_EQL, T_EQL_REGEX, T_NEQ, T_NEQ_REGEX, TokenId};

/// The longer ones first: each begins as a shorter one.
const OPERATORS: [(&str, TokenId); 4] =
    [("=~", T_EQL_REGEX), ("!~", T_NEQ_REGEX), ("!=", T_NEQ), ("=", T_EQL)];

pub(super) struct Matcher {
    pub(super) label: String,
    /// Whether it says what is not to be.
    pub(super) is_negative: bool,
    value: String,
    matcher: label::Matcher,
}

impl Matcher {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let (label, rest) = text.split_at(end.unwrap_or(text.len()));
        let rest = rest.trim_start();
        let operator = OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator));
        let (Some((operator, token)), false) = (operator, label.is_empty()) else {
            return Err(format!("`{text}` is no matcher"));
        };
        let value = rest[operator.len()..].trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = value.ok_or_else(|| format!("the value in `{text}` has no quotes"))?.to_owned();
        let matcher = label::Matcher::new_matcher(*token, label.to_owned(), value.clone());
        let matcher = matcher.map_err(|error| format!("`{text}`: {error}"))?;
        let is_negative = operator.starts_with('!');
        Ok(Self { label: label.to_owned(), is_negative, value, matcher })
    }

    /// Whether it takes what has these labels. One that is not there is empty.
    pub(super) fn takes(&self, labels: &BTreeMap<&str, &str>) -> bool {
        self.takes_value(labels.get(self.label.as_str()).copied().unwrap_or_default())
    }

    pub(super) fn takes_value(&self, value: &str) -> bool {
        self.matcher.is_match(value)
    }

    /// The values that it names one by one; none when it is a pattern with more to it.
    pub(super) fn named(&self) -> Vec<&str> {
        let values: Vec<&str> = self.value.split('|').collect();
        let is_plain = |value: &&str| {
            value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-/".contains(letter))
        };
        if values.iter().all(is_plain) { values } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn takes(text: &str, value: &str) -> bool {
        Matcher::parse(text).expect("it is a matcher").takes(&BTreeMap::from([("a", value)]))
    }

    #[test]
    fn each_operator_takes_what_it_should() {
        assert!(takes("a=\"b\"", "b") && !takes("a=\"b\"", "bc"));
        assert!(takes("a != \"b\"", "c") && !takes("a!=\"b\"", "b"));
        assert!(takes("a=~\"b|c.*\"", "cd") && !takes("a=~\"b|c\"", "cd"));
        assert!(takes("a!~\"b.+\"", "b") && !takes("a!~\"b.+\"", "bc"));
        assert!(takes("other=\"\"", "b") && !takes("other=\"b\"", "b"));
    }

    #[test]
    fn values_are_named_or_a_pattern() {
        let named = |text| Matcher::parse(text).expect("it is a matcher").named().join(" ");
        assert_eq!(named("a!~\"b|c\""), "b c");
        assert_eq!(named("a=~\"b.+\""), "");
    }

    #[test]
    fn what_is_no_matcher_is_said() {
        for text in ["", "a", "=\"b\"", "a>\"b\"", "a=b", "a=~\"(\""] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }
}
