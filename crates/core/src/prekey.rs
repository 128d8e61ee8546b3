//! Prekeys: what users publish so that others can begin an encrypted session with them while they
//! are away.
//!
//! The shape is that of X3DH (<https://signal.org/docs/specifications/x3dh/>, 3.2 and 3.3) and
//! PQXDH (<https://signal.org/docs/specifications/pqxdh/>, 3.2 and 3.3). The server hands keys out
//! and understands none of them: clients check signatures, and compare identity keys by a way that
//! does not lead through the server.

use std::fmt;

/// Fewest bytes of a key or signature: a public key of Curve25519 has as many.
pub const MATERIAL_BYTES_MIN: usize = 32;

/// Most bytes of a key or signature: a public key of ML-KEM-1024 has 1,568.
pub const MATERIAL_BYTES_MAX: usize = 2_048;

/// A public key or a signature; opaque here.
#[derive(Clone, PartialEq, Eq)]
pub struct Material(
    /// [`MATERIAL_BYTES_MIN`] to [`MATERIAL_BYTES_MAX`] bytes.
    Vec<u8>,
);

/// Why bytes are no key or signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key or signature has {MATERIAL_BYTES_MIN} to {MATERIAL_BYTES_MAX} bytes")]
pub struct MaterialError;

impl Material {
    /// Takes bytes of a sensible length.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, MaterialError> {
        let sensible = (MATERIAL_BYTES_MIN..=MATERIAL_BYTES_MAX).contains(&bytes.len());
        if sensible { Ok(Self(bytes)) } else { Err(MaterialError) }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Material({} bytes)", self.0.len())
    }
}

/// What its owner knows a prekey by; among the prekeys of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrekeyId(pub u32);

/// A prekey that is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimePrekey {
    /// What its owner knows it by.
    pub id: PrekeyId,
    /// The public key.
    pub key: Material,
}

/// A prekey signed with the identity key: the signed prekey of X3DH, or a key of a key
/// encapsulation mechanism as in PQXDH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPrekey {
    /// What its owner knows it by.
    pub id: PrekeyId,
    /// The public key.
    pub key: Material,
    /// The identity key's signature of it.
    pub signature: Material,
}

/// What a user publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prekeys {
    /// The key that stands for the user.
    pub identity_key: Material,
    /// The signed prekey.
    pub signed: SignedPrekey,
    /// The kem prekey that is handed out again and again once no other is left.
    pub last_resort: Option<SignedPrekey>,
    /// Prekeys to be used once.
    pub one_time: Vec<OneTimePrekey>,
    /// Kem prekeys to be used once.
    pub kem: Vec<SignedPrekey>,
}

/// What somebody needs to begin a session with a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrekeyBundle {
    /// The key that stands for the user.
    pub identity_key: Material,
    /// The signed prekey.
    pub signed: SignedPrekey,
    /// A prekey that nobody else gets; `None` when none was left.
    pub one_time: Option<OneTimePrekey>,
    /// A kem prekey that nobody else gets, else the last resort; `None` without either.
    pub kem: Option<SignedPrekey>,
}

/// How many prekeys there are, of one user or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrekeyCount {
    /// Signed prekeys: one for each user who has published.
    pub signed: u64,
    /// One-time prekeys.
    pub one_time: u64,
    /// Kem prekeys that are used once.
    pub kem: u64,
    /// Kem prekeys of last resort.
    pub last_resort: u64,
}

/// The prekeys that were not published before, by rising id: those above `highest`, the highest id
/// published so far. Of several with one id the first counts.
pub fn unpublished<K>(
    keys: &[K],
    id: impl Fn(&K) -> PrekeyId,
    highest: Option<PrekeyId>,
) -> Vec<&K> {
    let mut new: Vec<&K> = keys.iter().filter(|key| Some(id(key)) > highest).collect();
    new.sort_by_key(|key| id(key));
    new.dedup_by_key(|key| id(key));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn material_has_bounds_and_is_not_shown() {
        for bytes in [0, MATERIAL_BYTES_MIN - 1, MATERIAL_BYTES_MAX + 1] {
            assert_eq!(Material::parse(vec![7; bytes]), Err(MaterialError), "{bytes}");
        }
        for bytes in [MATERIAL_BYTES_MIN, MATERIAL_BYTES_MAX] {
            let material = Material::parse(vec![7; bytes]).expect("a sensible length");
            assert_eq!(format!("{material:?}"), format!("Material({bytes} bytes)"));
        }
    }

    #[test]
    fn what_was_published_is_passed_over() {
        let keys = [(7, "a"), (3, "b"), (9, "c"), (7, "d"), (0, "e")];
        let new = |highest: Option<u32>| {
            let new = unpublished(&keys, |(id, _)| PrekeyId(*id), highest.map(PrekeyId));
            new.into_iter().map(|(_, name)| *name).collect::<String>()
        };
        assert_eq!(new(None), "ebac");
        assert_eq!(new(Some(3)), "ac");
        assert_eq!(new(Some(9)), "");
    }
}
