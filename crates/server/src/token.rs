//! Tokens: 256 random bits, shown once, kept as their hash.

use crate::logs::{events, here};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::{
    chat::{AuthenticateError, Chat},
    invite::InviteHash,
    labels::{AuthRefusal, Mechanism},
    user::{Session, TokenHash},
};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A new token, as its user gets it.
pub fn new() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What a token is known by.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// The session of the token with this hash, which is told in the log.
///
/// # Errors
///
/// When there is no such session, and when the store does not say.
pub async fn authenticate(chat: &Chat, token: TokenHash) -> Result<Session, AuthenticateError> {
    let authenticated = chat.authenticate(token).await;
    let reason = match &authenticated {
        Ok(session) => {
            here::is_for(&session.user);
            events::TokenAccepted {}.emit();
            return authenticated;
        }
        Err(AuthenticateError::Refused) => AuthRefusal::BadCredentials,
        Err(AuthenticateError::Fault(_)) => AuthRefusal::BackendError,
    };
    events::AuthenticationFailed { mechanism: Mechanism::Token, reason }.emit();
    authenticated
}

/// What the code of an invitation is known by. A code is a token like any other.
pub fn invite_hash(code: &str) -> InviteHash {
    InviteHash(hash(code).0)
}

/// What was written as hexadecimal digits.
pub fn parse_invite_hash(digits: &str) -> Option<InviteHash> {
    let mut bytes = [0; 32];
    let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 2 * bytes.len() || !digits.as_bytes().iter().all(is_digit) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(InviteHash(bytes))
}

/// Hexadecimal digits for any bytes; names direct rooms.
pub fn hex_digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (new(), new());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert_ne!(hash(&one), hash(&other));
        assert_eq!(hash(&one), hash(&one));
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = invite_hash("code");
        assert_eq!(parse_invite_hash(&hex(&hash.0)), Some(hash));
        let digits = "0".repeat(64);
        assert!(parse_invite_hash(&digits).is_some());
        for bad in [&digits[1..], &digits.replacen('0', "A", 1), &digits.replacen("00", "é", 1)] {
            assert_eq!(parse_invite_hash(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_has_hexadecimal_digits() {
        let digest = hex_digest(b"");
        assert_eq!(digest.len(), 64);
        assert!(digest.starts_with("e3b0c44298fc1c14"));
    }
}
