//! What a client says with its upgrade: which protocol it speaks, and what it is.
//!
//! Page "Pusher Channels Protocol", section on the connection.

use crate::{CloseCode, Query};
use std::borrow::Cow;

/// The protocols that are spoken. They differ in nothing that the server would have to tell apart.
const PROTOCOLS: std::ops::RangeInclusive<u32> = 5..=7;

/// Longest name and version of a client that are believed, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// The query of `GET /app/{key}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// 5, 6 or 7.
    pub protocol: u32,
    /// The name of the client's library, where it is a plain word; safe to be logged.
    pub client: Option<Cow<'a, str>>,
    /// The version of that library; safe to be logged.
    pub version: Option<Cow<'a, str>>,
}

impl<'a> Hello<'a> {
    /// Reads the query of the upgrade, as it stands behind the `?`. What it holds besides is
    /// ignored. The error is how the connection has to be closed.
    pub fn parse(query: &'a str) -> Result<Self, CloseCode> {
        let query = Query::parse(query);
        let protocol = query.get("protocol").ok_or(CloseCode::NoProtocol)?;
        let protocol = protocol.parse().ok().filter(|number| PROTOCOLS.contains(number));
        let protocol = protocol.ok_or(CloseCode::UnsupportedProtocol)?;
        let version = query.take("version");
        if version.as_deref().is_some_and(|version| !is_word(version)) {
            return Err(CloseCode::BadVersion);
        }
        let client = query.take("client").filter(|client| is_word(client));
        Ok(Self { protocol, client, version })
    }
}

fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+/@".contains(&byte);
    (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}
