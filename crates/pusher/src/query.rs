//! The query of a URL, decoded.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Parameters in the order in which they were sent. Names are in lower case, as they are signed.
///
/// Any text can be read: `%zz` stays as it is, and what is no UTF-8 becomes U+FFFD, which no name
/// and no signature matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// Reads what stands behind the `?`. Only `&` separates, as `;` may be in names of channels.
    pub fn parse(text: &'a str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (lower_case(decode(name)), decode(value))
        });
        Self { parameters: parameters.collect() }
    }

    /// The value of the first parameter of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of all parameters of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = self.parameters.iter().filter(move |(other, _)| *other == name);
        same.map(|(_, value)| &**value)
    }

    /// The elements of a list, sent as `name[]=a&name[]=b`.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let is_element = move |other: &str| other.strip_suffix("[]") == Some(name);
        let same = self.parameters.iter().filter(move |(other, _)| is_element(other));
        same.map(|(_, value)| &**value)
    }

    /// The value of the first parameter of this name, for as long as the query's text lives.
    pub(crate) fn take(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut parameters = self.parameters.iter();
        parameters.find(|(other, _)| *other == name).map(|(_, value)| value.clone())
    }

    /// Every parameter, name and value, in the order in which they were sent.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

fn lower_case(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    text
}
