//! Asking an HTTP endpoint of a running server.

use super::{
    client::{self, Answer},
    trust::{Trust, TrustError},
};
use crate::{config::Config, readings::Reading};
use actix_web::http::Uri;
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{io, path::PathBuf};

/// Why there is no answer to read.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    #[error("{url:?} is no address that begins with http:// or https://")]
    Address { url: String },
    #[error("{url} cannot be asked: {source}")]
    Untrusted { url: String, source: TrustError },
    #[error("{url} does not answer: {source}")]
    Silent { url: String, source: io::Error },
    #[error("{url} wants a token (metrics.bearer_token, metrics.basic_auth)")]
    Token { url: String },
    #[error("{url} does not allow this address (metrics.allow_ips, metrics.allow_cidr)")]
    Denied { url: String },
    #[error("{url} answers with status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} is no metrics endpoint of this program")]
    Other { url: String },
}

/// What is asked, as whom, and who is believed to answer.
pub(super) struct Endpoint {
    pub(super) url: String,
    /// What proves who asks, as the header says it.
    pub(super) authorization: Option<String>,
    pub(super) trust: Trust,
}

impl Endpoint {
    /// The metrics endpoint that is configured.
    pub(super) fn metrics(config: &Config, authorities: Option<&PathBuf>) -> Self {
        let metrics = &config.metrics;
        let scheme = if metrics.tls.cert.is_some() { "https" } else { "http" };
        let host = callable(&metrics.host);
        let bearer = metrics.bearer_token.as_ref().map(|token| bearer(token.reveal()));
        let basic = metrics.basic_auth.user.as_ref().zip(metrics.basic_auth.password.as_ref());
        Self {
            url: format!("{scheme}://{host}:{}/metrics", metrics.port),
            authorization: bearer
                .or_else(|| basic.map(|(user, password)| self::basic(user, password.reveal()))),
            trust: Trust::of(authorities, metrics.tls.cert.as_ref()),
        }
    }

    /// Where the server that is configured says whether it is ready.
    pub(super) fn readiness(config: &Config, authorities: Option<&PathBuf>) -> Self {
        let server = &config.server;
        let address = match server.listen.rsplit_once(':') {
            Some((host, port)) => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                format!("{}:{port}", callable(host))
            }
            None => server.listen.clone(),
        };
        Self {
            url: format!("{}://{address}/readyz", server.scheme()),
            authorization: None,
            trust: Trust::of(authorities, server.tls.cert.as_ref()),
        }
    }

    /// Asks for it.
    pub(super) fn get(&self) -> Result<Answer, EndpointError> {
        let url = || self.url.clone();
        let uri: Uri = self.url.parse().map_err(|_| EndpointError::Address { url: url() })?;
        let tls = match uri.scheme_str() {
            Some("http") => None,
            Some("https") => {
                let settings = self.trust.settings();
                Some(settings.map_err(|source| EndpointError::Untrusted { url: url(), source })?)
            }
            _ => return Err(EndpointError::Address { url: url() }),
        };
        let answer = client::get(&uri, self.authorization.as_deref(), tls);
        answer.map_err(|source| EndpointError::Silent { url: url(), source })
    }

    /// Reads it, as metrics.
    pub(super) fn scrape(&self) -> Result<Reading, EndpointError> {
        let answer = self.get()?;
        let url = self.url.clone();
        match answer.status {
            200 => {}
            401 => return Err(EndpointError::Token { url }),
            403 => return Err(EndpointError::Denied { url }),
            status => return Err(EndpointError::Status { url, status }),
        }
        let reading = Reading::of(&answer.text);
        if reading.is_ours() { Ok(reading.declared()) } else { Err(EndpointError::Other { url }) }
    }
}

/// A token as the header says it.
pub(super) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// A host that is listened on, as one that can be asked.
fn callable(host: &str) -> String {
    match host {
        // An address that means every one of this machine's is none to call.
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn what_is_configured_is_what_is_asked() {
        let mut config = Config::default();
        assert_eq!(Endpoint::metrics(&config, None).url, "http://127.0.0.1:9601/metrics");
        config.metrics.host = "::".to_owned();
        config.metrics.tls.cert = Some("cert.pem".into());
        config.metrics.basic_auth.user = Some("ada".to_owned());
        config.metrics.basic_auth.password = Some(Secret::new("a long password"));
        let endpoint = Endpoint::metrics(&config, None);
        assert_eq!(endpoint.url, "https://[::1]:9601/metrics");
        assert_eq!(endpoint.trust, Trust::Configured("cert.pem".into()));
        assert_eq!(endpoint.authorization.as_deref(), Some("Basic YWRhOmEgbG9uZyBwYXNzd29yZA=="));
        let authority = "ca.pem".into();
        let endpoint = Endpoint::metrics(&config, Some(&authority));
        assert_eq!(endpoint.trust, Trust::Authorities(authority));
        config.server.listen = "[::]:80".to_owned();
        assert_eq!(Endpoint::readiness(&config, None).url, "http://[::1]:80/readyz");
    }

    #[test]
    fn who_is_not_known_is_not_believed() {
        let ask = |url: &str| {
            let url = url.to_owned();
            let endpoint = Endpoint { url, authorization: None, trust: Trust::Nobody };
            endpoint.get().expect_err("nobody is asked").to_string()
        };
        assert!(ask("https://127.0.0.1:1/metrics").contains("--ca FILE"));
        assert!(ask("ftp://127.0.0.1:1/metrics").contains("http://"));
        assert!(ask("metrics").contains("no address"));
    }
}
