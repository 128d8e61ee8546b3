//! The key by which push services know this server (RFC 8292, section 3.2).

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// Bytes of a public key: an uncompressed point of P-256.
pub(crate) const POINT: usize = 65;

/// A private key of P-256.
pub struct VapidKey {
    private: [u8; 32],
    public: [u8; POINT],
    pair: EcdsaKeyPair,
}

/// A text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 32 bytes of P-256 in base64url without padding, 43 characters")]
pub struct KeyError;

impl VapidKey {
    /// A new key.
    pub fn generate() -> Self {
        loop {
            // All but one in 2^32 of these are one.
            let mut private = [0; 32];
            if aws_lc_rs::rand::fill(&mut private).is_ok()
                && let Some(key) = Self::of(private)
            {
                return key;
            }
        }
    }

    /// The key that a text says: the 32 bytes of its private number, in base64url without padding.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| KeyError)?;
        Self::of(bytes.try_into().map_err(|_| KeyError)?).ok_or(KeyError)
    }

    /// The text that says this key. It is a secret.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.private)
    }

    /// The public key, as browsers are given it.
    pub fn public(&self) -> [u8; POINT] {
        self.public
    }

    /// The signature of a message: 64 bytes, as ES256 has them (RFC 7518, section 3.4).
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }

    fn of(private: [u8; 32]) -> Option<Self> {
        let public = public_of(&private)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &private,
            &public,
        );
        Some(Self { private, public, pair: pair.ok()? })
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VapidKey(…)")
    }
}

fn public_of(private: &[u8; 32]) -> Option<[u8; POINT]> {
    let private = PrivateKey::from_private_key(&ECDH_P256, private).ok()?;
    private.compute_public_key().ok()?.as_ref().try_into().ok()
}

/// A new private key for one message, with its bytes unknown to anybody.
pub(crate) fn ephemeral() -> Option<(PrivateKey, [u8; POINT])> {
    let private = PrivateKey::generate(&ECDH_P256).ok()?;
    let public = private.compute_public_key().ok()?.as_ref().try_into().ok()?;
    Some((private, public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = VapidKey::generate();
        let again = VapidKey::parse(&format!("{}\n", key.to_text())).expect("a key");
        assert_eq!(again.public(), key.public());
        assert_ne!(VapidKey::generate().public(), key.public());
        assert_eq!(key.to_text().len(), 43);
        assert!(!format!("{key:?}").contains(&key.to_text()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let order = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
        let zero = "A".repeat(43);
        for text in ["", "short", &zero, order, &"A".repeat(44), &"_".repeat(43)] {
            assert_eq!(VapidKey::parse(text).err(), Some(KeyError), "{text}");
        }
    }
}
