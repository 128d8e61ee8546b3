//! Who this server is, said to a push service: a signed token for its origin (RFC 8292).

use crate::key::VapidKey;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::time::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a token is good; at most 24 hours (RFC 8292, section 2).
const LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// The value of the header `Authorization` for an endpoint.
pub(crate) fn authorization(
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
}
