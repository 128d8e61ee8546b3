//! Reading JSON of strangers: objects only, each field once, never too deep, and values kept as they
//! were written.

use serde::Deserialize;
use serde_json::{error::Category, value::RawValue};
use std::borrow::Cow;

/// Why a text is not the JSON that was expected. The texts name our fields, never the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// No JSON, or not UTF-8.
    #[error("not valid JSON")]
    Broken,
    /// Objects and arrays lie deeper in each other than the limit.
    #[error("JSON nested deeper than {nesting_max}")]
    TooDeep {
        /// The limit.
        nesting_max: usize,
    },
    /// JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field that is read came twice. Taking either would let two readers disagree.
    #[error("a field comes twice")]
    Repeated,
    /// The field is not there, or is null.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The field is of another type.
    #[error("`{0}` has the wrong type")]
    WrongType(&'static str),
}

/// Reads an object into a struct whose fields are all `Option<&RawValue>`; other fields are passed
/// over.
pub(crate) fn object<'a, T: Deserialize<'a>>(
    text: &'a str,
    nesting_max: usize,
) -> Result<T, BadJson> {
    if is_deeper(text, nesting_max) {
        return Err(BadJson::TooDeep { nesting_max });
    }
    // A derived reader would also take an array with the fields in their order.
    let first = text.bytes().find(|byte| !b" \t\r\n".contains(byte));
    if first != Some(b'{') {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        return Err(if is_json { BadJson::NotAnObject } else { BadJson::Broken });
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => BadJson::Repeated,
        Category::Syntax | Category::Eof | Category::Io => BadJson::Broken,
    })
}

/// A field that has to be there.
pub(crate) fn need<'a>(
    field: Option<&'a RawValue>,
    name: &'static str,
) -> Result<&'a RawValue, BadJson> {
    field.ok_or(BadJson::Missing(name))
}

/// A field that has to be text.
pub(crate) fn text<'a>(value: &'a RawValue, name: &'static str) -> Result<Cow<'a, str>, BadJson> {
    as_text(value).ok_or(BadJson::WrongType(name))
}

/// A field that is text where it is there.
pub(crate) fn optional_text<'a>(
    field: Option<&'a RawValue>,
    name: &'static str,
) -> Result<Option<Cow<'a, str>>, BadJson> {
    field.map(|value| text(value, name)).transpose()
}

/// The text of a JSON string, borrowed where nothing in it is escaped.
pub(crate) fn as_text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

/// A JSON string inside a list.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// How many bytes the text of a JSON string has, without making it; `None` for what is no string,
/// or is none in UTF-8, such as half of a surrogate pair.
pub(crate) fn text_bytes(value: &RawValue) -> Option<usize> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let (mut rest, mut count) = (inner, 0);
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        count += at;
        let (bytes, behind) = escape_at(&rest[at..])?;
        count += bytes;
        rest = behind;
    }
    Some(count + rest.len())
}

/// How many bytes the escape at the beginning stands for, and what comes behind it.
fn escape_at(escape: &[u8]) -> Option<(usize, &[u8])> {
    let Some((unit, rest)) = unicode_escape(escape) else {
        return Some((1, escape.get(2..)?));
    };
    let Some(character) = char::from_u32(unit) else {
        let (low, rest) = unicode_escape(rest)?;
        let is_pair = (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(&low);
        return is_pair.then_some((4, rest));
    };
    Some((character.len_utf8(), rest))
}

/// The number of `\uXXXX` at the beginning, and what comes behind it.
fn unicode_escape(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.strip_prefix(b"\\u")?;
    let (digits, rest) = digits.split_at_checked(4)?;
    let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((number, rest))
}

/// Whether objects and arrays lie deeper in each other than `nesting_max`. Counted beforehand, so
/// that nothing that reads the text later can be led down.
fn is_deeper(text: &str, nesting_max: usize) -> bool {
    let mut bytes = text.bytes();
    let mut depth = 0_usize;
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
        if depth > nesting_max {
            return true;
        }
    }
    false
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn the_length_of_a_text_is_known_without_making_it() {
        for literal in [
            r#""""#,
            r#""plain é""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u0041\u00e9\u20ac\ud83d\ude00\\u0041""#,
        ] {
            let text = as_text(raw(literal)).expect("a string");
            assert_eq!(text_bytes(raw(literal)), Some(text.len()), "{literal}");
        }
    }

    #[test]
    fn half_a_pair_and_other_types_are_no_text() {
        for literal in
            [r#""\ud83d""#, r#""\ude00\ud83d""#, r#""\ud83d\u0041""#, r#""\ud83d x""#, "7", "{}"]
        {
            assert_eq!(text_bytes(raw(literal)), None, "{literal}");
            assert_eq!(as_text(raw(literal)), None, "{literal}");
        }
    }

    #[test]
    fn brackets_in_strings_are_not_deep() {
        assert!(!is_deeper(r#"{"a":"[[[[\"[[["}"#, 1));
        assert!(is_deeper(r#"{"a":[]}"#, 1));
        assert!(!is_deeper(r#"{"a":[],"b":[]}"#, 2));
    }
}
