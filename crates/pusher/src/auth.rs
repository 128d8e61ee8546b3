//! Signatures: who may enter a channel, who a user is, who sent a body.
//!
//! Page "Authentication and authorization signatures". A signature is the HMAC-SHA256 of a text
//! with the secret of a key, in lower-case hexadecimal; it is compared in constant time.

use crate::{ChannelName, SocketId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// A key of an application, with what its secret signs.
#[derive(Clone)]
pub struct Credentials {
    key: String,
    /// The MAC after the secret: the secret itself is not kept, and is not hashed again.
    mac: Hmac<Sha256>,
}

impl Credentials {
    /// The credentials of this key and its secret.
    pub fn new(key: impl Into<String>, secret: &str) -> Self {
        let mac = Hmac::new_from_slice(secret.as_bytes()).expect("a MAC takes keys of any length");
        Self { key: key.into(), mac }
    }

    /// The public half.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Signs these parts as one text.
    pub fn sign<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> Signature {
        Signature(self.mac_of(parts).finalize().into_bytes().into())
    }

    /// Whether `signature` is what these parts are signed with. Takes as long whatever differs.
    pub fn verify<'p>(
        &self,
        parts: impl IntoIterator<Item = &'p [u8]>,
        signature: &Signature,
    ) -> bool {
        self.mac_of(parts).verify_slice(&signature.0).is_ok()
    }

    /// What lets a socket into a channel, `key:signature`, as an application's server makes it.
    pub fn authorise_channel(
        &self,
        socket_id: SocketId,
        channel: &ChannelName,
        channel_data: Option<&str>,
    ) -> String {
        let socket_id = socket_id.to_string();
        let parts = channel_parts(&socket_id, channel, channel_data);
        format!("{}:{}", self.key, self.sign(parts))
    }

    /// What makes a socket a user's, `key:signature`, as an application's server makes it.
    pub fn authorise_user(&self, socket_id: SocketId, user_data: &str) -> String {
        let socket_id = socket_id.to_string();
        format!("{}:{}", self.key, self.sign(user_parts(&socket_id, user_data)))
    }

    fn mac_of<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

/// Shows the key and nothing of the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The keys of one application: more than one while they are changed.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Credentials>);

impl Keys {
    /// The keys of an application. There are never many: each is looked at.
    pub fn new(credentials: Vec<Credentials>) -> Self {
        Self(credentials)
    }

    /// The credentials of this key.
    pub fn find(&self, key: &str) -> Option<&Credentials> {
        self.0.iter().find(|credentials| credentials.key == key)
    }

    /// Checks that one of the keys lets this very socket into this very channel, with this very
    /// data where there is any. The data is signed as it is, byte for byte.
    ///
    /// Private channels may come with data too; it is then part of what is signed.
    pub fn check_channel(
        &self,
        auth: Option<&str>,
        socket_id: SocketId,
        channel: &ChannelName,
        channel_data: Option<&str>,
    ) -> Result<(), BadAuth> {
        if channel.user().is_some() {
            return Err(BadAuth::NotBySignature);
        }
        let socket_id = socket_id.to_string();
        self.check(auth, channel_parts(&socket_id, channel, channel_data))
    }

    /// Checks that one of the keys says that this very socket is this user's.
    pub fn check_user(
        &self,
        auth: Option<&str>,
        socket_id: SocketId,
        user_data: &str,
    ) -> Result<(), BadAuth> {
        let socket_id = socket_id.to_string();
        self.check(auth, user_parts(&socket_id, user_data))
    }

    fn check<const N: usize>(&self, auth: Option<&str>, parts: [&[u8]; N]) -> Result<(), BadAuth> {
        let auth = auth.ok_or(BadAuth::Missing)?;
        let (key, signature) = auth.rsplit_once(':').ok_or(BadAuth::Shape)?;
        let signature = Signature::parse(signature).ok_or(BadAuth::Shape)?;
        let credentials = self.find(key).ok_or(BadAuth::UnknownKey)?;
        if credentials.verify(parts, &signature) { Ok(()) } else { Err(BadAuth::Signature) }
    }
}

fn channel_parts<'a>(
    socket_id: &'a str,
    channel: &'a ChannelName,
    channel_data: Option<&'a str>,
) -> [&'a [u8]; 5] {
    let (colon, data) = channel_data.map_or(("", ""), |data| (":", data));
    [socket_id, ":", channel.as_str(), colon, data].map(str::as_bytes)
}

fn user_parts<'a>(socket_id: &'a str, user_data: &'a str) -> [&'a [u8]; 3] {
    [socket_id, "::user::", user_data].map(str::as_bytes)
}

/// Why nobody is let in. None says what a right signature would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuth {
    /// There is none.
    #[error("auth is missing")]
    Missing,
    /// It is not a key, a colon and 64 lower-case hexadecimal digits.
    #[error("auth is not a key and a signature")]
    Shape,
    /// The application has no such key.
    #[error("the key in auth is not of this application")]
    UnknownKey,
    /// It signs something else: another socket, another channel, other data; or with another
    /// secret.
    #[error("the signature in auth is not valid")]
    Signature,
    /// Nobody enters this channel with a signature.
    #[error("this channel is not entered with auth")]
    NotBySignature,
}

/// A signature. It is not compared but by [`Credentials::verify`].
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let pairs = text.as_bytes().chunks_exact(2);
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signature(…)")
    }
}
