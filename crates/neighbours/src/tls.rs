//! What a server that speaks TLS needs.

use std::path::Path;

/// Where the certificate of a server is, and its key.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// The certificate, in PEM.
    pub certificate: &'a Path,
    /// Its key, in PEM.
    pub key: &'a Path,
}
