//! Tokens: 256 random bits, shown once, kept as their hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::user::TokenHash;
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

/// Hexadecimal digits for any bytes; names direct rooms.
pub fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
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
    fn a_digest_has_hexadecimal_digits() {
        let digest = hex_digest(b"");
        assert_eq!(digest.len(), 64);
        assert!(digest.starts_with("e3b0c44298fc1c14"));
    }
}
