//! The words and signs of an expression in LogQL.

use super::LogqlError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, or a word of the language.
    Word(String),
    /// What stands in quotes, as it is meant.
    Text(String),
    /// A number, a duration or a size: `0.2`, `5m`, `10KB`.
    Number(String),
    Sign(&'static str),
}

/// Longer ones before those that they begin with.
const SIGNS: &[&str] = &[
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "--", "|", "=", ">", "<", "{", "}",
    "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "^",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, LogqlError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if first.is_whitespace() => first.len_utf8(),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '`' => {
                let (meant, length) = quoted(rest, first)?;
                found.push(Token::Text(meant));
                length
            }
            '0'..='9' => {
                let length = length_of(rest, |letter| letter.is_alphanumeric() || letter == '.');
                found.push(Token::Number(rest[..length].to_owned()));
                length
            }
            _ if first == '_' || first.is_ascii_alphabetic() => {
                let length =
                    length_of(rest, |letter| letter == '_' || letter.is_ascii_alphanumeric());
                found.push(Token::Word(rest[..length].to_owned()));
                length
            }
            _ => {
                let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                    return Err(LogqlError(format!("`{first}` is no sign of LogQL")));
                };
                found.push(Token::Sign(sign));
                sign.len()
            }
        };
        rest = &rest[length..];
    }
    Ok(found)
}

fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

/// A text in quotes, as Go writes it: what is meant, and its length with the quotes.
fn quoted(text: &str, quote: char) -> Result<(String, usize), LogqlError> {
    let mut meant = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Ok((meant, at + letter.len_utf8())),
            '\\' if quote == '"' => {
                let Some((_, escaped)) = letters.next() else { break };
                meant.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    '\\' | '"' => escaped,
                    _ => {
                        let why = format!("`\\{escaped}` stands for nothing in quotes");
                        return Err(LogqlError(why));
                    }
                });
            }
            _ => meant.push(letter),
        }
    }
    Err(LogqlError(format!("a text has no end: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Token {
        Token::Word(text.to_owned())
    }

    #[test]
    fn each_token_is_told_from_the_next() {
        let text = "{a=\"b\\\"c\"} |~ `\\d+`|json|duration_ms>=1.5 # why\n[5m]";
        let expected = [
            Token::Sign("{"),
            word("a"),
            Token::Sign("="),
            Token::Text("b\"c".to_owned()),
            Token::Sign("}"),
            Token::Sign("|~"),
            Token::Text("\\d+".to_owned()),
            Token::Sign("|"),
            word("json"),
            Token::Sign("|"),
            word("duration_ms"),
            Token::Sign(">="),
            Token::Number("1.5".to_owned()),
            Token::Sign("["),
            Token::Number("5m".to_owned()),
            Token::Sign("]"),
        ];
        assert_eq!(tokens(text).expect("it is LogQL"), expected);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for (text, expected) in [
            ("{a=\"b", "a text has no end"),
            ("{a=\"\\d\"}", "`\\d` stands for nothing"),
            ("{a=$b}", "`$` is no sign"),
            ("\"\\", "a text has no end"),
        ] {
            let error = tokens(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
