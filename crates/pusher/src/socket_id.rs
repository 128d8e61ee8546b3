//! The id of a connection: two numbers with a dot between them.

use std::{fmt, str::FromStr};

/// Names one connection in the whole cluster. It is part of what is signed, so it must not be
/// guessable: whoever makes one hands in two random numbers.
///
/// Its text is `^\d+\.\d+$`; server libraries refuse other shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId {
    high: u64,
    low: u64,
}

impl SocketId {
    /// The id of these two numbers.
    pub fn new(high: u64, low: u64) -> Self {
        Self { high, low }
    }

    /// The number before the dot.
    pub fn high(self) -> u64 {
        self.high
    }

    /// The number behind it.
    pub fn low(self) -> u64 {
        self.low
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.high, self.low)
    }
}

impl FromStr for SocketId {
    type Err = BadSocketId;

    /// Reads what `Display` writes, and nothing else: no id has two texts.
    fn from_str(text: &str) -> Result<Self, BadSocketId> {
        let (high, low) = text.split_once('.').ok_or(BadSocketId::Shape)?;
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(high) || !is_number(low) {
            return Err(BadSocketId::Shape);
        }
        let ours = |part: &str| match part.as_bytes() {
            [b'0', _, ..] => Err(BadSocketId::NotOurs),
            _ => part.parse().map_err(|_| BadSocketId::NotOurs),
        };
        Ok(Self { high: ours(high)?, low: ours(low)? })
    }
}

/// Why a text is no id of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSocketId {
    /// It does not match `^\d+\.\d+$`.
    #[error("socket_id is not two numbers with a dot between them")]
    Shape,
    /// It has the shape, but no connection of this server can have it: numbers too large, or
    /// with zeros in front. A publisher that leaves it out leaves out nobody.
    #[error("no connection has this socket_id")]
    NotOurs,
}
