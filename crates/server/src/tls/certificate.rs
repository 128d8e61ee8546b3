//! The certificate: read from its files, when the server starts and whenever it is told to.

use crate::{config::Server, logs::events, ws::stamp};
use campanile_adapter_memory::SystemClock;
use campanile_core::{port::Clock, time::Timestamp};
use campanile_metrics::Gauge;
use rustls::{
    InconsistentKeys,
    crypto::aws_lc_rs::default_provider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use x509_parser::{error::X509Error, nom};

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or is not PEM.
    #[error("cannot read {} ({setting}): {source}", file.display())]
    Unreadable {
        /// What names the file.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// A file does not hold what it should.
    #[error("there is no {what} in {} ({setting})", file.display())]
    Missing {
        /// A certificate, or a private key.
        what: &'static str,
        /// What names the file.
        setting: &'static str,
        /// The file.
        file: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {} (server.tls.key) does not belong to the certificate in {} (server.tls.cert)",
        key.display(), cert.display()
    )]
    WrongKey {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Certificate or key are of a kind that cannot be served.
    #[error("cannot serve with the certificate in {} and the key in {}: {source}",
        cert.display(), key.display())]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// The certificate does not tell when it expires.
    #[error("cannot tell when the certificate in {} (server.tls.cert) expires: {source}",
        cert.display())]
    Undated {
        /// The certificate's file.
        cert: PathBuf,
        /// Why not.
        source: nom::Err<X509Error>,
    },
}

/// Where a certificate and its key are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// A certificate with its key, as they were read.
pub(super) struct Read {
    key: Arc<CertifiedKey>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// The certificate that is served now.
#[derive(Debug)]
pub(super) struct Certificate {
    files: Files,
    served: RwLock<Arc<CertifiedKey>>,
    expiry: Gauge<()>,
}

impl Certificate {
    /// Serves what was read from these files.
    pub(super) fn new(files: Files, read: Read, expiry: Gauge<()>) -> Self {
        read.tell(&files.cert, &expiry);
        Self { files, served: RwLock::new(read.key), expiry }
    }

    /// Reads the files again and serves what is in them from the next handshake on. When they are
    /// no good, everything stays as it is; whether they were good.
    pub(super) fn reload(&self) -> bool {
        match self.files.read() {
            Ok(read) => {
                read.tell(&self.files.cert, &self.expiry);
                *self.served.write().unwrap_or_else(PoisonError::into_inner) = read.key;
                true
            }
            Err(error) => {
                events::CertificateKept { error: &error }.emit();
                false
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.served.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Files {
    /// Those that are set, if any are.
    pub(super) fn of(server: &Server) -> Option<Self> {
        let (cert, key) = server.tls.cert.clone().zip(server.tls.key.clone())?;
        Some(Self { cert, key })
    }

    /// Reads certificate and key, which have to fit.
    pub(super) fn read(&self) -> Result<Read, CertificateError> {
        let Self { cert, key } = self;
        let certificates = self.read_certificates()?;
        let (not_before, not_after) = validity(&certificates[0])
            .map_err(|source| CertificateError::Undated { cert: cert.clone(), source })?;
        let private_key = self.read_key()?;
        let (cert, key) = (cert.clone(), key.clone());
        let both = CertifiedKey::from_der(certificates, private_key, &default_provider());
        let both = both.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                CertificateError::WrongKey { cert, key }
            }
            source => CertificateError::Unusable { cert, key, source },
        })?;
        Ok(Read { key: Arc::new(both), not_before, not_after })
    }

    /// The certificate and those between it and its root: at least one.
    fn read_certificates(&self) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        let (setting, file) = ("server.tls.cert", &self.cert);
        let read =
            CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match read {
            Ok(certificates) if certificates.is_empty() => {
                Err(CertificateError::Missing { what: "certificate", setting, file: file.clone() })
            }
            Ok(certificates) => Ok(certificates),
            Err(source) => {
                Err(CertificateError::Unreadable { setting, file: file.clone(), source })
            }
        }
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, CertificateError> {
        let (setting, file) = ("server.tls.key", self.key.clone());
        PrivateKeyDer::from_pem_file(&file).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                CertificateError::Missing { what: "private key", setting, file }
            }
            source => CertificateError::Unreadable { setting, file, source },
        })
    }
}

impl Read {
    /// How long it is valid, or what is wrong with that now.
    pub(super) fn validity(&self) -> Result<String, String> {
        let now = SystemClock::new().now();
        let validity =
            format!("valid from {} until {}", stamp(self.not_before), stamp(self.not_after));
        let is_valid = (self.not_before..=self.not_after).contains(&now);
        if is_valid { Ok(validity) } else { Err(format!("{validity} only")) }
    }

    /// Tells people and alerts how long it is valid.
    fn tell(&self, file: &Path, expiry: &Gauge<()>) {
        let Self { not_before, not_after, .. } = self;
        expiry.set(not_after.0 / MILLIS);
        let now = SystemClock::new().now();
        let (file, valid_until) = (&file.display().to_string(), &stamp(*not_after).to_string());
        if now > *not_after {
            events::CertificateExpired { file, valid_until }.emit();
        } else if now < *not_before {
            let valid_from = &stamp(*not_before).to_string();
            events::CertificateEarly { file, valid_from }.emit();
        } else {
            events::CertificateServed { file, valid_until }.emit();
        }
    }
}

/// Milliseconds of a second.
const MILLIS: i64 = 1_000;

/// From when until when a certificate is valid.
fn validity(
    certificate: &CertificateDer<'_>,
) -> Result<(Timestamp, Timestamp), nom::Err<X509Error>> {
    let (_rest, certificate) = x509_parser::parse_x509_certificate(certificate)?;
    let validity = certificate.validity();
    let [from, until] =
        [validity.not_before, validity.not_after].map(|time| Timestamp(time.timestamp() * MILLIS));
    Ok((from, until))
}
