//! The variables of Grafana in a query, put in so that the query can be read.

use std::borrow::Cow;

/// What stands for a variable of time.
const DURATION: &str = "5m";

/// The query with something in the place of each variable: a duration in brackets, a word in a
/// name, a number elsewhere. In quotes, variables are text and stay.
pub(crate) fn expand(query: &str) -> Cow<'_, str> {
    if !query.contains('$') && !query.contains("[[") {
        return Cow::Borrowed(query);
    }
    let mut expanded = String::with_capacity(query.len());
    let mut quote = None;
    let mut in_brackets = false;
    let mut rest = query;
    while let Some(letter) = rest.chars().next() {
        let is_variable = quote.is_none() && (letter == '$' || rest.starts_with("[["));
        if is_variable && let Some(length) = length(rest) {
            let before = expanded.chars().next_back();
            let after = rest[length..].chars().next();
            let joins = |letter: Option<char>| {
                letter.is_some_and(|letter| letter.is_alphanumeric() || "_:".contains(letter))
            };
            let is_time = in_brackets || rest[..length].contains("$__");
            let is_name = joins(before) || joins(after) || after == Some('{');
            expanded.push_str(match (is_time, is_name) {
                (true, _) => DURATION,
                (false, true) => "v",
                (false, false) => "1",
            });
            rest = &rest[length..];
            continue;
        }
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '[' | ']') => in_brackets = letter == '[',
            // A quote in a comment is none.
            (None, '#') => {
                let end = rest.find('\n').unwrap_or(rest.len());
                rest = &rest[end..];
                continue;
            }
            _ => {}
        }
        expanded.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    Cow::Owned(expanded)
}

/// Whether a variable stands where it is no text, other than Grafana's own of time.
pub(crate) fn has_unquoted(query: &str) -> bool {
    let mut quote = None;
    query.char_indices().any(|(at, letter)| {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(letter),
            _ => {}
        }
        let rest = &query[at..];
        let is_variable = quote.is_none() && length(rest).is_some();
        is_variable && !rest.starts_with("$__") && !rest.starts_with("${__")
    })
}

/// How long the variable is that begins here: `$a`, `${a:b}` or `[[a]]`.
fn length(text: &str) -> Option<usize> {
    for (open, close) in [("${", "}"), ("[[", "]]")] {
        if text.starts_with(open) {
            return text.find(close).map(|at| at + close.len());
        }
    }
    let name = text.strip_prefix('$')?;
    let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let end = end.unwrap_or(name.len());
    (end > 0).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_what_can_be_read() {
        for (query, expected) in [
            ("rate(a[$__rate_interval])", "rate(a[5m])"),
            ("a{b=~\"$c\"} offset $__interval", "a{b=~\"$c\"} offset 5m"),
            ("topk($n, ${prefix}_a[${w:raw}])", "topk(1, v_a[5m])"),
            ("[[metric]]{a='b'} > [[n]]", "v{a='b'} > 1"),
            ("up == 1", "up == 1"),
            ("# it's\nrate(a[$w])", "\nrate(a[5m])"),
        ] {
            assert_eq!(expand(query), expected, "{query}");
        }
    }

    #[test]
    fn a_variable_in_quotes_is_a_text() {
        assert!(!has_unquoted("rate(a{b=~\"$c\"}[$__rate_interval])"));
        assert!(has_unquoted("sum by ($c) (a)") && has_unquoted("a > ${n}"));
    }
}
