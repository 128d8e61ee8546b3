//! A line for whoever reads it: it ends where it ends, steers nothing, and is not endless.

use std::fmt::Write;

/// The same line of JSON, harmless: what ends a line for some reader or steers a terminal is
/// escaped, which is the same to who reads JSON, and a text of more than `value_bytes_max` bytes is
/// cut between two characters and ends with `…`.
#[must_use]
pub fn harmless(line: String, value_bytes_max: usize) -> String {
    if line.len() <= value_bytes_max && line.bytes().all(|byte| byte < 0x7f) {
        return line;
    }
    let (mut kept, mut rest) = (String::with_capacity(line.len()), line.as_str());
    while let Some(place) = rest.find('"') {
        let (before, inside) = rest.split_at(place + 1);
        kept.push_str(before);
        rest = put_text(inside, value_bytes_max, &mut kept);
    }
    kept.push_str(rest);
    kept
}

/// Puts what is left of a text, its quotation mark included; what is behind that.
fn put_text<'l>(mut rest: &'l str, bytes_max: usize, kept: &mut String) -> &'l str {
    let mut room = Some(bytes_max);
    while let Some(character) = rest.chars().next() {
        let (length, bytes) = match character {
            '"' => {
                kept.push(character);
                return &rest[1..];
            }
            '\\' => escape(rest),
            other => (other.len_utf8(), other.len_utf8()),
        };
        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = behind;
        let Some(bytes_left) = room else { continue };
        room = bytes_left.checked_sub(bytes);
        if room.is_none() {
            kept.push('…');
        } else if steers(character) {
            _ = write!(kept, "\\u{:04x}", u32::from(character));
        } else {
            kept.push_str(token);
        }
    }
    rest
}

/// How long an escape is, and how many bytes what it stands for has. Of a pair of them the first
/// counts for both, so that it is not torn apart.
fn escape(text: &str) -> (usize, usize) {
    let Some(code) = text.strip_prefix("\\u") else { return (2, 1) };
    let code = code.get(..4).and_then(|code| u32::from_str_radix(code, 16).ok());
    let bytes = match code {
        Some(0xd800..=0xdbff) => 4,
        Some(0xdc00..=0xdfff) => 0,
        code => code.and_then(char::from_u32).map_or(1, char::len_utf8),
    };
    (6, bytes)
}

/// Whether a character ends lines, is a control character, or turns the direction of text. All of
/// these have at most four hexadecimal digits; those before the space are escaped in all JSON.
fn steers(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const NASTY: &str = "a\nb\r\0\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\\\"ä👍";

    fn read(line: &str) -> Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    #[test]
    fn what_steers_is_escaped_and_stays_the_same_to_who_reads_json() {
        let line = json!({"user": NASTY, NASTY: 1});
        let kept = harmless(line.to_string(), usize::MAX);
        assert_eq!(read(&kept), line);
        assert!(kept.chars().all(|one| !one.is_control() && !steers(one)), "{kept:?}");
    }

    #[test]
    fn each_text_that_is_too_long_is_cut_between_characters() {
        for (text, kept) in [
            ("abcd", "abcd"),
            ("abcde", "abcd…"),
            ("äbc", "äbc"),
            ("abcä", "abc…"),
            ("\n\n\n\n\n", "\n\n\n\n…"),
            ("\u{85}\u{85}\u{85}", "\u{85}\u{85}…"),
            ("👍", "👍"),
            ("a👍", "a…"),
        ] {
            let line = json!({"user": text, "n": 12_345, "room": text}).to_string();
            assert_eq!(read(&harmless(line, 4)), json!({"user": kept, "n": 12_345, "room": kept}));
        }
    }

    #[test]
    fn a_pair_of_escapes_is_not_torn_apart() {
        let line = |text: &str| format!("{{\"a\":\"{text}\"}}");
        assert_eq!(harmless(line("\\ud83d\\udc4d!"), 4), line("\\ud83d\\udc4d…"));
        assert_eq!(harmless(line("!\\ud83d\\udc4d"), 4), line("!…"));
        assert_eq!(harmless(line("\\u00e4\\u0041\\u0000"), 3), line("\\u00e4\\u0041…"));
    }

    proptest! {
        #[test]
        fn whatever_comes_does_no_harm(text in "(?s).*", bytes_max in 1_usize..64) {
            let cut = &text[..text.floor_char_boundary(bytes_max)];
            let cut = if cut.len() < text.len() { format!("{cut}…") } else { text.clone() };
            let line = json!({ "a": text }).to_string();
            prop_assert_eq!(read(&harmless(line, bytes_max)), json!({ "a": cut }));
            // Nor does what is no JSON.
            let _what_is_left = harmless(text, bytes_max);
        }
    }
}
