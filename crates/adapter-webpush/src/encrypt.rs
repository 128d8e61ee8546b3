//! Encryption for one browser: the message that RFC 8291 makes with the content coding `aes128gcm`
//! of RFC 8188, as one record.

use crate::key::{self, POINT};
use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};
use campanile_core::push::PushSubscription;

/// Longest message, and the size of a record that is announced: the least that every push service
/// takes (RFC 8030, section 7.2; RFC 8291, section 4).
const RECORD: u32 = 4_096;

/// Bytes that a plaintext is filled up to a multiple of, so that its length tells less.
const FILLED_TO: usize = 256;

/// What ends the plaintext of the last record (RFC 8188, section 2).
const LAST: u8 = 2;

/// The message was not encrypted: the browser's key is none, or the message is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the browser's key is no point of P-256, or the message is too long")]
pub(crate) struct EncryptError;

/// Encrypts a text for a browser, with a key and a salt of its own.
pub(crate) fn encrypt(
    subscription: &PushSubscription,
    text: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let ephemeral = key::ephemeral().ok_or(EncryptError)?;
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| EncryptError)?;
    let mut plaintext = text.to_vec();
    plaintext.push(LAST);
    plaintext.resize(plaintext.len().next_multiple_of(FILLED_TO), 0);
    seal(subscription, plaintext, &ephemeral, &salt)
}

fn seal(
    subscription: &PushSubscription,
    mut plaintext: Vec<u8>,
    (private, public): &(PrivateKey, [u8; POINT]),
    salt: &[u8; 16],
) -> Result<Vec<u8>, EncryptError> {
    let secret = shared_secret(subscription, private, public)?;
    let keys = Salt::new(HKDF_SHA256, salt).extract(&secret);
    let key: [u8; 16] = expand(&keys, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&keys, &[b"Content-Encoding: nonce\0"])?;
    let mut message = Vec::from(salt);
    message.extend_from_slice(&RECORD.to_be_bytes());
    message.push(POINT as u8);
    message.extend_from_slice(public);
    let key = UnboundKey::new(&AES_128_GCM, &key).map_err(|_| EncryptError)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let sealed =
        LessSafeKey::new(key).seal_in_place_append_tag(nonce, Aad::empty(), &mut plaintext);
    sealed.map_err(|_| EncryptError)?;
    message.append(&mut plaintext);
    match message.len() <= RECORD as usize {
        true => Ok(message),
        false => Err(EncryptError),
    }
}

/// What only this server and the browser know (RFC 8291, section 3.3).
fn shared_secret(
    subscription: &PushSubscription,
    private: &PrivateKey,
    public: &[u8; POINT],
) -> Result<[u8; 32], EncryptError> {
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &subscription.p256dh);
    agree(private, theirs, EncryptError, |agreed| {
        let keys = Salt::new(HKDF_SHA256, &subscription.auth).extract(agreed);
        expand(&keys, &[b"WebPush: info\0", &subscription.p256dh, public])
    })
}

fn expand<const N: usize>(keys: &Prk, info: &[&[u8]]) -> Result<[u8; N], EncryptError> {
    struct Bytes(usize);
    impl KeyType for Bytes {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut bytes = [0; N];
    let expanded = keys.expand(info, Bytes(N)).and_then(|key| key.fill(&mut bytes));
    expanded.map(|()| bytes).map_err(|_| EncryptError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use campanile_core::push::PushEndpoint;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).expect("base64url").try_into().expect("as many")
    }

    fn browser() -> PushSubscription {
        PushSubscription {
            endpoint: PushEndpoint::parse("https://push.example/").expect("an endpoint"),
            p256dh: bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            ),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        }
    }

    /// The example of RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_specification_is_met() {
        let private: [u8; 32] = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).expect("a key");
        let public = private.compute_public_key().expect("its point").as_ref().try_into();
        let mut plaintext = b"When I grow up, I want to be a watermelon".to_vec();
        plaintext.push(LAST);
        let ephemeral = (private, public.expect("a point"));
        let message = seal(&browser(), plaintext, &ephemeral, &bytes("DGv6ra1nlYgDCS1FRnbzlw"));
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg\
                        Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVB\
                        St2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(message.expect("a message")), expected);
    }

    #[test]
    fn each_message_has_keys_of_its_own_and_a_length_that_tells_little() {
        let (one, other) = (encrypt(&browser(), b"a"), encrypt(&browser(), &[b'b'; 200]));
        let (one, other) = (one.expect("a message"), other.expect("a message"));
        assert_eq!(one.len(), other.len());
        assert_ne!(one[..16], other[..16]);
        assert_ne!(one[21..86], other[21..86]);
    }

    #[test]
    fn what_cannot_be_encrypted_is_refused() {
        let no_point = PushSubscription { p256dh: [4; 65], ..browser() };
        assert_eq!(encrypt(&no_point, b"a"), Err(EncryptError));
        // With a header of 86 bytes, a tag of 16 and the fill, 3 840 are the most there is room for.
        let longest = encrypt(&browser(), &[b'a'; 3_839]).expect("a message");
        assert_eq!(longest.len(), 3_840 + 86 + 16);
        assert_eq!(encrypt(&browser(), &[b'a'; 3_840]), Err(EncryptError));
    }
}
