//! A request's id: chosen by the client, echoed as it was given.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// Longest id that is a string, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// A request's id: a whole number or a short string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RequestId(Repr);

/// A number is kept as `Positive` whenever it fits there, so that equal ids are equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
enum Repr {
    Positive(u64),
    Negative(i64),
    Text(Box<str>),
}

impl RequestId {
    /// An id made of this text; `None` when it is longer than [`ID_BYTES_MAX`].
    pub fn text(text: &str) -> Option<Self> {
        (text.len() <= ID_BYTES_MAX).then(|| Self(Repr::Text(text.into())))
    }

    /// An id made of this number, which may be below zero.
    pub fn signed(number: i64) -> Self {
        match u64::try_from(number) {
            Ok(positive) => positive.into(),
            Err(_) => Self(Repr::Negative(number)),
        }
    }

    /// The id as a number, where it is one that fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Positive(number) => Some(number),
            Repr::Negative(_) | Repr::Text(_) => None,
        }
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        Self(Repr::Positive(number))
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = RequestId;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an id: a whole number or at most {ID_BYTES_MAX} bytes of text")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<RequestId, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<RequestId, E> {
        Ok(RequestId::signed(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RequestId, E> {
        RequestId::text(text).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}
