//! What can be set, and what can be wrong with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::{fmt, io};

use ipnet::{IpNet, Ipv4Net};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use crate::access::Access;
use crate::exporter::Prometheus;
use crate::naming::{Naming, PrefixError};

/// How the scrape endpoint is served, and to whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Addresses that may scrape.
    pub allow_ips: Vec<IpAddr>,
    /// Networks that may scrape.
    pub allow_cidr: Vec<Network>,
    /// Proxies whose `X-Forwarded-For` is believed; its right-most address that is not one
    /// of them is the client.
    pub trusted_proxies: Vec<Network>,
    /// Names, besides those without a dot, by which clients may call this endpoint while it
    /// asks for no authentication. Other names are refused, since a web page could have
    /// made a browser look them up.
    pub allow_hosts: Vec<String>,
    /// Token that a scraper has to bring.
    pub bearer_token: Option<Secret>,
    /// User and password that a scraper has to bring; with a token too, either will do.
    pub basic_auth: Option<BasicAuth>,
    /// Serves HTTPS with this certificate and key.
    pub tls: Option<Tls>,
    /// What names begin with instead of `chat_`; `process_…` keeps its name.
    pub prefix: String,
    /// Compresses for scrapers that understand gzip.
    pub gzip: bool,
}

/// A user and a password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Files, in PEM, to serve HTTPS with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those between it and its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Text that is not to be seen in logs.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A network, or a single address. IPv4 addresses in IPv6 clothes count as IPv4.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Network(pub(crate) IpNet);

/// Text that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is neither an address nor a network such as 10.0.0.0/8")]
pub struct NetworkError {
    /// The text.
    pub given: String,
}

/// The endpoint cannot be offered as configured.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {host}:{port} for metrics: {source}")]
    Listen {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// A file for TLS cannot be read as what it should be.
    #[error("cannot use {file} to serve metrics: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not make a server.
    #[error("cannot serve metrics with the certificate {cert}: {source}")]
    Certificate {
        /// The certificate's file.
        cert: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The prefix cannot begin a name.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// A credential is empty, so that anyone could have it.
    #[error("cannot protect metrics with an empty {setting}")]
    EmptyCredential {
        /// Which one.
        setting: &'static str,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 9601,
            allow_ips: vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            allow_cidr: Vec::new(),
            trusted_proxies: Vec::new(),
            allow_hosts: Vec::new(),
            bearer_token: None,
            basic_auth: None,
            tls: None,
            prefix: Naming::DECLARED_PREFIX.to_owned(),
            gzip: true,
        }
    }
}

impl Config {
    /// Checks everything and takes the port. Nothing is answered until the exporter starts.
    pub fn bind(self) -> Result<Prometheus, BindError> {
        let naming = Naming::with_prefix(&self.prefix)?;
        let token = self.bearer_token.as_ref().map(|token| token.0.as_str());
        let password = self.basic_auth.as_ref().map(|basic| basic.password.0.as_str());
        for (setting, secret) in [("bearer_token", token), ("basic_auth.password", password)] {
            if secret == Some("") {
                return Err(BindError::EmptyCredential { setting });
            }
        }
        let tls = self.tls.as_ref().map(Tls::load).transpose()?;
        let access = Access::new(&self);
        let listener = TcpListener::bind((self.host.as_str(), self.port));
        let (host, port) = (self.host, self.port);
        listener
            .and_then(|listener| Prometheus::new(listener, tls, access, naming, self.gzip))
            .map_err(|source| BindError::Listen { host, port, source })
    }
}

impl Tls {
    fn load(&self) -> Result<ServerConfig, BindError> {
        let cannot_read = |file: &PathBuf| {
            let file = file.clone();
            move |source| BindError::File { file, source }
        };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect)
            .map_err(cannot_read(&self.cert))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(cannot_read(&self.key))?;
        // Named here, since the process may have chosen no provider, or another one.
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
            .map_err(|source| BindError::Certificate { cert: self.cert.clone(), source })
    }
}

impl Network {
    /// True when an address lies within it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(IpNet::from(address.to_canonical()))
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(given: &str) -> Result<Self, NetworkError> {
        let network = match given.parse::<IpAddr>() {
            Ok(address) => return Ok(address.into()),
            Err(_) => given.parse::<IpNet>(),
        };
        let network = network.map_err(|_| NetworkError { given: given.to_owned() })?;
        let mapped = network.addr().to_canonical();
        Ok(Self(match (network, mapped) {
            (IpNet::V6(outer), IpAddr::V4(address)) if outer.prefix_len() >= 96 => {
                let length = outer.prefix_len() - 96;
                IpNet::V4(Ipv4Net::new(address, length).expect("96 and 32 bits make 128"))
            }
            (plain, _) => plain,
        }))
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(given: String) -> Result<Self, NetworkError> {
        given.parse()
    }
}
