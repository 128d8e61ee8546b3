//! Prekeys, as they are read and written: keys and signatures in base64.

use crate::http::numbers;
use base64::{Engine, engine::general_purpose::STANDARD};
use campanile_core::{name::UserName, prekey as core};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::ToSchema;

/// A public key or a signature: base64 of 32 to 2048 bytes. The server does not look into it.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = "^(?:[A-Za-z0-9+/]{4}){10,681}(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{5}[AQgw]==)$"
)]
pub(in crate::http) struct Material(core::Material);

/// A prekey that is used once.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OneTimePrekey {
    /// What its owner knows it by.
    #[serde(deserialize_with = "numbers::small_in_json")]
    #[schema(value_type = u64, minimum = 0, maximum = 4294967295_i64)]
    id: u32,
    key: Material,
}

/// A prekey with the identity key's signature of it.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SignedPrekey {
    /// What its owner knows it by.
    #[serde(deserialize_with = "numbers::small_in_json")]
    #[schema(value_type = u64, minimum = 0, maximum = 4294967295_i64)]
    id: u32,
    key: Material,
    signature: Material,
}

/// Prekeys to be published.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewPrekeys {
    identity_key: Material,
    signed_prekey: SignedPrekey,
    /// The kem prekey that is handed out once no other is left.
    last_resort_kem_prekey: Option<SignedPrekey>,
    #[serde(default)]
    one_time_prekeys: Vec<OneTimePrekey>,
    /// Post-quantum prekeys that are used once.
    #[serde(default)]
    kem_prekeys: Vec<SignedPrekey>,
}

/// How many prekeys are left.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KeysLeft {
    /// 0 before the first were published.
    #[schema(minimum = 0, maximum = 1)]
    signed: u64,
    #[schema(minimum = 0)]
    one_time: u64,
    #[schema(minimum = 0)]
    kem: u64,
    #[schema(minimum = 0, maximum = 1)]
    last_resort_kem: u64,
}

/// An answer about one's prekeys.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KeysLeftAnswer {
    keys: KeysLeft,
}

/// What is needed to begin a session with a user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Bundle {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$")]
    user: String,
    identity_key: Material,
    signed_prekey: SignedPrekey,
    /// Absent when none was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_prekey: Option<OneTimePrekey>,
    /// Absent when the user has published none.
    #[serde(skip_serializing_if = "Option::is_none")]
    kem_prekey: Option<SignedPrekey>,
}

/// An answer with a bundle.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BundleAnswer {
    bundle: Bundle,
}

impl BundleAnswer {
    pub(in crate::http) fn of(user: &UserName, bundle: core::PrekeyBundle) -> Self {
        Self {
            bundle: Bundle {
                user: user.to_string(),
                identity_key: Material(bundle.identity_key),
                signed_prekey: bundle.signed.into(),
                one_time_prekey: bundle.one_time.map(Into::into),
                kem_prekey: bundle.kem.map(Into::into),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Material {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        core::Material::parse(bytes).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Material {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

impl From<NewPrekeys> for core::Prekeys {
    fn from(new: NewPrekeys) -> Self {
        Self {
            identity_key: new.identity_key.0,
            signed: new.signed_prekey.into(),
            last_resort: new.last_resort_kem_prekey.map(Into::into),
            one_time: new.one_time_prekeys.into_iter().map(Into::into).collect(),
            kem: new.kem_prekeys.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<OneTimePrekey> for core::OneTimePrekey {
    fn from(OneTimePrekey { id, key }: OneTimePrekey) -> Self {
        Self { id: core::PrekeyId(id), key: key.0 }
    }
}

impl From<core::OneTimePrekey> for OneTimePrekey {
    fn from(core::OneTimePrekey { id, key }: core::OneTimePrekey) -> Self {
        Self { id: id.0, key: Material(key) }
    }
}

impl From<SignedPrekey> for core::SignedPrekey {
    fn from(SignedPrekey { id, key, signature }: SignedPrekey) -> Self {
        Self { id: core::PrekeyId(id), key: key.0, signature: signature.0 }
    }
}

impl From<core::SignedPrekey> for SignedPrekey {
    fn from(core::SignedPrekey { id, key, signature }: core::SignedPrekey) -> Self {
        Self { id: id.0, key: Material(key), signature: Material(signature) }
    }
}

impl From<core::PrekeyCount> for KeysLeftAnswer {
    fn from(count: core::PrekeyCount) -> Self {
        let core::PrekeyCount { signed, one_time, kem, last_resort } = count;
        Self { keys: KeysLeft { signed, one_time, kem, last_resort_kem: last_resort } }
    }
}
