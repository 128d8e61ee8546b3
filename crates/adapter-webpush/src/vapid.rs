//! Who this server is, said to a push service: a signed token for its origin (RFC 8292).

use crate::key::VapidKey;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::time::Timestamp;
use campanile_outbound::Url;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a token is good; at most 24 hours (RFC 8292, section 2).
const LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// How long a token is used: it ends well before it is no longer good, whatever clocks say.
const USED_FOR: Duration = Duration::from_secs(6 * 3_600);

/// Push services whose tokens are kept. Browsers have a handful; clients could name any number.
const KEPT_MAX: usize = 64;

/// Tokens that are used again, by the origin they are for.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    authorization: String,
    made_at: Timestamp,
}

impl Tokens {
    /// The value of the header `Authorization` for an endpoint: one that was made before, or a new
    /// one. `None` when it cannot be signed.
    pub(crate) fn authorization(
        &self,
        (key, contact): (&VapidKey, Option<&str>),
        endpoint: &Url,
        now: Timestamp,
    ) -> Option<String> {
        let origin = endpoint.origin().ascii_serialization();
        if let Some(kept) = self.kept().get(&origin).filter(|kept| kept.is_good(now)) {
            return Some(kept.authorization.clone());
        }
        let authorization = authorization(key, contact, endpoint, now)?;
        let new = Kept { authorization: authorization.clone(), made_at: now };
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(origin, new);
        Some(authorization)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Whether it is used still. A clock that was put back makes a new one.
    fn is_good(&self, now: Timestamp) -> bool {
        self.made_at <= now && now < self.made_at.plus(USED_FOR)
    }
}

fn authorization(
    key: &VapidKey,
    contact: Option<&str>,
    endpoint: &Url,
    now: Timestamp,
) -> Option<String> {
    let mut claims = json!({
        "aud": endpoint.origin().ascii_serialization(),
        "exp": now.plus(LIFETIME).0 / 1_000,
    });
    if let Some(contact) = contact {
        claims["sub"] = contact.into();
    }
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({"typ": "JWT", "alg": "ES256"})), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    let public = URL_SAFE_NO_PAD.encode(key.public());
    Some(format!("vapid t={signed}.{signature}, k={public}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn a_token_says_for_whom_it_is_and_is_signed() {
        let key = VapidKey::generate();
        let endpoint = Url::parse("https://push.example:8443/secret?a=b").expect("a URL");
        let now = Timestamp(1_800_000_000_000);
        let said = authorization(&key, Some("mailto:a@b.example"), &endpoint, now).expect("it");
        let said = said.strip_prefix("vapid t=").expect("its scheme");
        let (token, public) = said.split_once(", k=").expect("two parts");
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        assert_eq!(decode(public), key.public());
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public())
            .verify(signed.as_bytes(), &decode(signature))
            .expect("it is signed");
        let claims = decode(signed.split_once('.').expect("two parts").1);
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        let expected = json!({
            "aud": "https://push.example:8443",
            "exp": 1_800_000_000 + 12 * 3_600,
            "sub": "mailto:a@b.example",
        });
        assert_eq!(claims, expected);
        let standard = Url::parse("https://push.example/").expect("a URL");
        let said = authorization(&key, None, &standard, now).expect("it");
        let claims = decode(said.split('.').nth(1).expect("claims"));
        assert!(!String::from_utf8_lossy(&claims).contains("sub"));
        assert!(String::from_utf8_lossy(&claims).contains("\"https://push.example\""));
    }
    #[test]
    fn a_token_is_used_again_for_its_origin_and_not_for_too_long() {
        let (key, tokens) = (VapidKey::generate(), Tokens::default());
        let made = |endpoint: &str, seconds: u64| {
            let endpoint = Url::parse(endpoint).expect("a URL");
            let now = Timestamp(1_800_000_000_000).plus(Duration::from_secs(seconds));
            tokens.authorization((&key, None), &endpoint, now).expect("it")
        };
        let first = made("https://push.example/one", 10);
        assert_eq!(made("https://push.example/two", 6 * 3_600 + 9), first);
        assert_ne!(made("https://push.example:444/one", 10), first);
        let second = made("https://push.example/one", 6 * 3_600 + 10);
        assert_ne!(second, first, "its time is over");
        assert_ne!(made("https://push.example/one", 9), second, "the clock was put back");
        for number in 0..2 * KEPT_MAX {
            made(&format!("https://{number}.example/"), 10);
        }
        assert!(tokens.kept().len() <= KEPT_MAX);
    }
}
