//! Whether a request comes from whoever has the secret of the application, and came just now.

use crate::{Credentials, Keys, Limits, Query, Signature};
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{borrow::Cow, fmt::Write};

const VERSION: &str = "1.0";

/// What a signature is about.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// In upper case.
    pub method: &'a str,
    /// As it was sent, from the first slash to before the `?`.
    pub path: &'a str,
    /// What stood behind the `?`.
    pub query: &'a Query<'a>,
    /// As it was received, before anything read it.
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// Checks the request, and says which key signed it. `now_seconds` is Unix time.
    ///
    /// `keys` are those of the application in the path: any other key is unknown. The body is
    /// hashed only for whoever knows the secret.
    pub fn check<'k>(
        &self,
        keys: &'k Keys,
        now_seconds: i64,
        limits: &Limits,
    ) -> Result<&'k Credentials, BadSignature> {
        if self.parameter("auth_version")? != VERSION {
            return Err(BadSignature::Version);
        }
        let credentials = keys.find(self.parameter("auth_key")?).ok_or(BadSignature::UnknownKey)?;
        let timestamp = self.parameter("auth_timestamp")?;
        let timestamp: i64 = timestamp.parse().map_err(|_| BadSignature::Timestamp)?;
        let seconds_max = limits.signature_age_seconds_max;
        if now_seconds.abs_diff(timestamp) > seconds_max {
            return Err(BadSignature::Age { seconds_max });
        }
        let signature = self.parameter("auth_signature")?;
        let signature = Signature::parse(signature).ok_or(BadSignature::Signature)?;
        if !self.is_signed(credentials, &signature) {
            return Err(BadSignature::Signature);
        }
        self.check_body().map(|()| credentials)
    }

    /// A parameter that stands there once: of two, one reader could take the one and one the other.
    fn parameter(&self, name: &'static str) -> Result<&str, BadSignature> {
        let mut values = self.query.all(name);
        let value = values.next().ok_or(BadSignature::Missing(name))?;
        if values.next().is_some() { Err(BadSignature::Repeated(name)) } else { Ok(value) }
    }

    /// Libraries sign the path as they write it, and what is below them may escape it on the way.
    /// So the decoded path is as good, unless it could be taken for an escaped one.
    fn is_signed(&self, credentials: &Credentials, signature: &Signature) -> bool {
        let canonical = self.canonical_query();
        let is_signed = |path: &str| {
            let parts = [self.method, "\n", path, "\n", &canonical].map(str::as_bytes);
            credentials.verify(parts, signature)
        };
        is_signed(self.path)
            || match percent_decode_str(self.path).decode_utf8() {
                Ok(Cow::Owned(decoded)) => !decoded.contains('%') && is_signed(&decoded),
                _ => false,
            }
    }

    /// The text that is signed: method, path and query, a line each. The query is every parameter
    /// but the signature, names in lower case, sorted by them, values not escaped.
    pub fn canonical(&self) -> String {
        format!("{}\n{}\n{}", self.method, self.path, self.canonical_query())
    }

    fn canonical_query(&self) -> String {
        let signed = self.query.parameters().filter(|(name, _)| *name != "auth_signature");
        canonical_query(signed.collect())
    }

    /// Libraries send the MD5 of an empty body too, with requests that have none.
    fn check_body(&self) -> Result<(), BadSignature> {
        if self.body.is_empty() && self.query.get("body_md5").is_none() {
            return Ok(());
        }
        if self.parameter("body_md5")? == md5_of(self.body) {
            Ok(())
        } else {
            Err(BadSignature::Body)
        }
    }
}

/// The elements of a list keep their order, as they are one parameter to whoever signs.
fn canonical_query(mut parameters: Vec<(&str, &str)>) -> String {
    parameters.sort_by_key(|(name, _)| name.strip_suffix("[]").unwrap_or(name));
    let bytes = parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut text = String::with_capacity(bytes);
    for (index, (name, value)) in parameters.into_iter().enumerate() {
        text.extend([if index > 0 { "&" } else { "" }, name, "=", value]);
    }
    text
}

fn md5_of(body: &[u8]) -> String {
    Md5::digest(body).iter().fold(String::with_capacity(32), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every character");
        text
    })
}

/// What stays as it is in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The query of a request with these parameters, signed, as an application's server makes it. The
/// names are in lower case.
pub fn signed_query(
    credentials: &Credentials,
    (method, path): (&str, &str),
    parameters: &[(&str, &str)],
    body: &[u8],
    now_seconds: i64,
) -> String {
    let (timestamp, digest) = (now_seconds.to_string(), md5_of(body));
    let mut parameters = parameters.to_vec();
    parameters.extend([
        ("auth_key", credentials.key()),
        ("auth_timestamp", &timestamp),
        ("auth_version", VERSION),
    ]);
    if !body.is_empty() {
        parameters.push(("body_md5", &digest));
    }
    let mut query = String::new();
    for (name, value) in &parameters {
        let [name, value] = [name, value].map(|text| utf8_percent_encode(text, PLAIN));
        write!(query, "{name}={value}&").expect("a string takes every character");
    }
    let canonical = canonical_query(parameters);
    let signature = credentials.sign([method, "\n", path, "\n", &canonical].map(str::as_bytes));
    write!(query, "auth_signature={signature}").expect("a string takes every character");
    query
}

/// Why a request is not taken for the application's. The status of all is 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// A parameter of the signature is not there.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter of the signature is there twice.
    #[error("the parameter {0} comes twice")]
    Repeated(&'static str),
    /// Another way to sign than version 1.0.
    #[error("auth_version is not 1.0")]
    Version,
    /// The application has no such key.
    #[error("auth_key is not of this application")]
    UnknownKey,
    /// The time is no number.
    #[error("auth_timestamp is not a number of seconds")]
    Timestamp,
    /// The time is too far from ours.
    #[error("auth_timestamp is more than {seconds_max} seconds from the time of the server")]
    Age {
        /// The limit.
        seconds_max: u64,
    },
    /// The signature is of something else, or of someone else.
    #[error("auth_signature is not valid")]
    Signature,
    /// The body is another than the one that was signed.
    #[error("body_md5 is not that of the body")]
    Body,
}
