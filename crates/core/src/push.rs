//! Web Push: where a browser is told of a message while nobody is connected, and what it is told.

use crate::{
    message::Sequence,
    name::{RoomName, UserName},
};
use std::fmt;

/// Longest endpoint, in bytes.
const ENDPOINT_BYTES_MAX: usize = 1_024;

/// Where a push service takes what is for one browser (RFC 8030, section 5): an `https` URL. Whoever
/// knows it may write to the browser, so it is not logged.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PushEndpoint(String);

/// A text is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an endpoint is an https:// URL of at most 1024 printable ASCII characters, with a host and without a user"
)]
pub struct PushEndpointError;

impl PushEndpoint {
    /// Checks a text. Whether its host may be asked is for whoever asks it.
    pub fn parse(text: &str) -> Result<Self, PushEndpointError> {
        let rest = text.strip_prefix("https://").ok_or(PushEndpointError)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let has_host = !authority.is_empty() && !authority.starts_with(':');
        let is_fine = text.len() <= ENDPOINT_BYTES_MAX && is_printable && has_host;
        if !is_fine || authority.contains(['@', '\\']) {
            return Err(PushEndpointError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PushEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PushEndpoint(…)")
    }
}

/// A browser's subscription.
#[derive(Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// Where it is written to.
    pub endpoint: PushEndpoint,
    /// The browser's public key: an uncompressed point of P-256 (RFC 8291, section 3.1).
    pub p256dh: [u8; 65],
    /// The secret that the browser shares with who writes to it (RFC 8291, section 3.2).
    pub auth: [u8; 16],
}

impl fmt::Debug for PushSubscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PushSubscription(…)")
    }
}

/// What a browser is told: that there is a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Where it was said.
    pub room: RoomName,
    /// Its number there.
    pub seq: Sequence,
    /// Who said it.
    pub from: UserName,
    /// What was said, cut where it is long.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_secure_url() {
        for text in ["https://push.example/a?b=c", "https://[::1]:8443/", "https://push.example"] {
            let endpoint = PushEndpoint::parse(text).expect(text);
            assert_eq!(endpoint.as_str(), text);
        }
        let long = format!("https://push.example/{}", "a".repeat(1_004));
        for text in [
            "",
            "http://push.example/",
            "https://",
            "https:///path",
            "https://:443/",
            "https://user@push.example/",
            "https://push.example\\@other/",
            "https://push.example/ a",
            "https://push.example/\u{e9}",
            &long,
        ] {
            assert_eq!(PushEndpoint::parse(text), Err(PushEndpointError), "{text}");
        }
    }

    #[test]
    fn what_lets_others_write_is_not_shown() {
        let endpoint = PushEndpoint::parse("https://push.example/secret").unwrap();
        let subscription = PushSubscription { endpoint, p256dh: [4; 65], auth: [7; 16] };
        let shown = format!("{subscription:?} {:?}", subscription.endpoint);
        assert!(!shown.contains("secret") && !shown.contains('7'), "{shown}");
    }
}
