//! Subscriptions to pushes, as browsers say them (`PushSubscription.toJSON()`).

use crate::reply::Refused;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_core::push as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A browser's subscription.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewPushSubscription {
    /// Where the browser's push service takes notifications: an `https` URL.
    #[schema(max_length = 1024, example = "https://push.example/send/abc")]
    endpoint: String,
    /// When the browser means to end it, in milliseconds since 1970; the server does not look at
    /// it, since the push service says so.
    #[serde(default, rename = "expirationTime")]
    #[expect(dead_code, reason = "browsers send it")]
    expiration_time: Option<f64>,
    keys: PushKeys,
}

/// What a browser's notifications are encrypted with: base64url without padding.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PushKeys {
    /// An uncompressed point of P-256.
    #[schema(pattern = "^B[A-P][A-Za-z0-9_-]{84}[AEIMQUYcgkosw048]$")]
    p256dh: String,
    /// 16 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{21}[AQgw]$")]
    auth: String,
}

/// Which subscription.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OldPushSubscription {
    #[schema(max_length = 1024, example = "https://push.example/send/abc")]
    pub(in crate::http) endpoint: String,
}

/// What a browser subscribes with.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PushKeyAnswer {
    /// This server's public key (`applicationServerKey`): a point of P-256 in base64url.
    #[schema(pattern = "^B[A-P][A-Za-z0-9_-]{84}[AEIMQUYcgkosw048]$")]
    key: String,
}

impl PushKeyAnswer {
    pub(in crate::http) fn of(key: &[u8; 65]) -> Self {
        Self { key: URL_SAFE_NO_PAD.encode(key) }
    }
}

impl TryFrom<NewPushSubscription> for core::PushSubscription {
    type Error = Refused;

    fn try_from(new: NewPushSubscription) -> Result<Self, Refused> {
        let p256dh: [u8; 65] = bytes("keys.p256dh", &new.keys.p256dh)?;
        if p256dh[0] != 4 {
            return Err(Refused::bad_request("keys.p256dh is no uncompressed point"));
        }
        let endpoint = core::PushEndpoint::parse(&new.endpoint)?;
        Ok(Self { endpoint, p256dh, auth: bytes("keys.auth", &new.keys.auth)? })
    }
}

fn bytes<const N: usize>(what: &str, text: &str) -> Result<[u8; N], Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| {
        Refused::bad_request(format!("{what} is not {N} bytes in base64url without padding"))
    })
}
