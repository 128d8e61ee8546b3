//! Whom a command trusts to be the server it asks.

use rustls::{
    ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{
        CertificateDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
};
use std::{path::PathBuf, sync::Arc};

/// Whom a command trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nobody: it speaks no TLS.
    Nobody,
    /// Whomever one of the authorities in this file vouches for.
    Authorities(PathBuf),
    /// Whoever has the first certificate in this file, whatever its name: it is the one that is
    /// configured.
    Configured(PathBuf),
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    #[error("it is served over HTTPS: say with --ca FILE whose certificates to trust")]
    Nobody,
    #[error("cannot read the certificates in {}: {source}", file.display())]
    Unreadable { file: PathBuf, source: pem::Error },
    #[error("there is no certificate in {}", .0.display())]
    Missing(PathBuf),
    #[error("the certificates in {} cannot be trusted: {source}", file.display())]
    Unusable { file: PathBuf, source: rustls::Error },
}

impl Trust {
    /// The authorities in the file that was named, or else the certificate that is configured.
    pub(super) fn of(authorities: Option<&PathBuf>, configured: Option<&PathBuf>) -> Self {
        match (authorities, configured) {
            (Some(file), _) => Self::Authorities(file.clone()),
            (None, Some(file)) => Self::Configured(file.clone()),
            (None, None) => Self::Nobody,
        }
    }

    /// How to speak TLS with whom is trusted.
    pub(super) fn settings(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = Arc::new(default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider has ciphers for each version");
        let builder = match self {
            Self::Nobody => return Err(TrustError::Nobody),
            Self::Authorities(file) => builder.with_root_certificates(roots(file)?),
            Self::Configured(file) => {
                let certificate = read(file)?.remove(0);
                let verifier = Exactly { certificate, file: file.clone(), provider };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        Ok(Arc::new(builder.with_no_client_auth()))
    }
}

fn roots(file: &PathBuf) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    for certificate in read(file)? {
        let added = roots.add(certificate);
        added.map_err(|source| TrustError::Unusable { file: file.clone(), source })?;
    }
    Ok(roots)
}

/// The certificates in a file: at least one.
fn read(file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|source| TrustError::Unreadable { file: file.clone(), source })?;
    if read.is_empty() { Err(TrustError::Missing(file.clone())) } else { Ok(read) }
}

/// Trusts one certificate and no other.
#[derive(Debug)]
struct Exactly {
    certificate: CertificateDer<'static>,
    file: PathBuf,
    provider: Arc<CryptoProvider>,
}

/// The server has another certificate.
#[derive(Debug, thiserror::Error)]
#[error("it has another certificate than that in {}", .0.display())]
struct Another(PathBuf);

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        // An error of certificates would not say what is wrong with this one.
        Err(rustls::Error::Other(OtherError(Arc::new(Another(self.file.clone())))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
