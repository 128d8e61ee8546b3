//! The key by which push services know this server (RFC 8292, section 3.2).

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsBigEndian, EcPrivateKeyBin},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use std::fmt;

/// Bytes of a public key: an uncompressed point of P-256.
pub(crate) const POINT: usize = 65;

/// How the label of a private key in PEM ends, whichever form it has.
const PEM_LABEL: &str = "PRIVATE KEY-----";

/// A private key of P-256.
pub struct VapidKey {
    private: [u8; 32],
    public: [u8; POINT],
    pair: EcdsaKeyPair,
}

/// A text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key is one of P-256: PEM without a password, or 43 characters of base64url without padding"
)]
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

    /// The key that a text says: the 32 bytes of its private number, in base64url without padding,
    /// or a private key in PEM, as PKCS #8 (RFC 5958) or SEC 1 (RFC 5915) have it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let private = match text.contains(PEM_LABEL) {
            true => private_of_pem(text),
            false => URL_SAFE_NO_PAD.decode(text.trim()).ok().and_then(|it| it.try_into().ok()),
        };
        private.and_then(Self::of).ok_or(KeyError)
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

/// The private number of a key in PEM; other blocks before and after it do not matter.
fn private_of_pem(text: &str) -> Option<[u8; 32]> {
    let (_, rest) = text.split_once(PEM_LABEL)?;
    let (lines, _) = rest.split_once("-----END ")?;
    let der = STANDARD.decode(lines.split_ascii_whitespace().collect::<String>()).ok()?;
    let private = PrivateKey::from_private_key_der(&ECDH_P256, &der).ok()?;
    let bytes: EcPrivateKeyBin<'_> = private.as_be_bytes().ok()?;
    bytes.as_ref().try_into().ok()
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
    use aws_lc_rs::{
        agreement::ECDH_P384,
        encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der},
    };

    /// A block of PEM in lines of 64.
    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ASCII"))
            .collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    #[test]
    fn a_key_is_read_in_the_forms_that_tools_write() {
        let (private, public) = ephemeral().expect("a key");
        let pkcs8: Pkcs8V1Der<'_> = private.as_der().expect("it");
        let sec1: EcPrivateKeyRfc5915Der<'_> = private.as_der().expect("it");
        let curve = pem("EC PARAMETERS", b"prime256v1");
        for text in [
            pem("PRIVATE KEY", pkcs8.as_ref()),
            pem("PRIVATE KEY", pkcs8.as_ref()).replace('\n', "\r\n"),
            pem("EC PRIVATE KEY", sec1.as_ref()),
            curve + &pem("EC PRIVATE KEY", sec1.as_ref()),
        ] {
            assert_eq!(VapidKey::parse(&text).expect("a key").public(), public, "{text}");
        }
    }

    #[test]
    fn other_keys_in_pem_are_refused() {
        let longer = PrivateKey::generate(&ECDH_P384).expect("a key");
        let longer: Pkcs8V1Der<'_> = longer.as_der().expect("it");
        for text in [
            pem("PRIVATE KEY", longer.as_ref()),
            pem("ENCRYPTED PRIVATE KEY", b"with a password"),
            pem("PRIVATE KEY", b""),
            "-----BEGIN PRIVATE KEY-----\nAAAA".to_owned(),
        ] {
            assert_eq!(VapidKey::parse(&text).err(), Some(KeyError), "{text}");
        }
    }

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
