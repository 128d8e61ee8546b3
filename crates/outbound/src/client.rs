//! The client, and where it lets itself be sent.

use crate::{
    allowed::Allowed,
    failure::{Failure, NotAllowed, last_cause},
};
use reqwest::{
    Certificate, Client, RequestBuilder, Response, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderMap,
    redirect::Policy,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// How a client asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may be asked.
    pub allowed: Allowed,
    /// Whether it may be asked without TLS.
    pub plain: bool,
    /// Who, beside the authorities of the system, vouches for those who are asked.
    pub authorities: Vec<Authority>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one request may take in all.
    pub timeout: Duration,
    /// Bytes of an answer that are read, so that its connection can be used again.
    pub answer_bytes_max: usize,
    /// How long the rest of an answer is read for; then its connection is given up.
    pub answer_time_max: Duration,
}

/// Somebody who vouches for those who are asked.
#[derive(Clone, Debug)]
pub struct Authority(Certificate);

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// These are no certificates in PEM.
    #[error("there is no certificate in PEM: {0}")]
    Authority(String),
    /// Nobody vouches for anybody, the system has no authorities, or the like.
    #[error("cannot speak TLS: {0}")]
    Tls(String),
}

/// Why nobody is asked there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is none.
    #[error("it is no URL of http: or https: with a host")]
    Url,
    /// It may not be asked so.
    #[error("it has to be an https: URL")]
    Plain,
    /// It may not be asked.
    #[error("it is not on the public internet")]
    NotAllowed,
}

/// Asks over HTTP, never over a proxy, and is not led elsewhere.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    settings: Arc<Settings>,
}

/// What an answer says. Nothing in its body matters.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Authority {
    /// The authorities of a file in PEM.
    pub fn parse(pem: &[u8]) -> Result<Vec<Self>, OpenError> {
        let parsed = Certificate::from_pem_bundle(pem);
        let found = parsed.map_err(|error| OpenError::Authority(last_cause(&error)))?;
        if found.is_empty() {
            return Err(OpenError::Authority("the file has none".to_owned()));
        }
        Ok(found.into_iter().map(Self).collect())
    }
}

impl Outbound {
    /// Prepares to ask; nobody is asked yet.
    pub fn new(settings: Settings) -> Result<Self, OpenError> {
        let authorities = settings.authorities.iter().map(|authority| authority.0.clone());
        let client = Client::builder()
            .user_agent("campanile")
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!settings.plain)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .tls_certs_merge(authorities)
            .dns_resolver(Guard(settings.allowed.clone()))
            .build()
            .map_err(|error| OpenError::Tls(last_cause(&error)))?;
        Ok(Self { client, settings: Arc::new(settings) })
    }

    /// Where a URL leads, if it may be asked. A name is looked at when it is resolved.
    pub fn target(&self, url: &str) -> Result<Url, TargetError> {
        match target(&self.settings.allowed, url)? {
            url if url.scheme() == "http" && !self.settings.plain => Err(TargetError::Plain),
            url => Ok(url),
        }
    }

    /// A request to where [`Outbound::target`] says.
    pub fn post(&self, target: Url) -> RequestBuilder {
        self.client.post(target)
    }

    /// Asks, and reads what is short of the answer.
    pub async fn ask(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let answer = request.send().await.map_err(|error| Failure::of(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let Settings { answer_bytes_max, answer_time_max, .. } = *self.settings;
        // Whether it was read to its end does not matter.
        let _read = tokio::time::timeout(answer_time_max, finish(answer, answer_bytes_max)).await;
        Ok(Answer { status, headers })
    }
}

/// Where a URL leads, with or without TLS, if those who are allowed may be asked.
pub fn target(allowed: &Allowed, url: &str) -> Result<Url, TargetError> {
    let url = Url::parse(url).map_err(|_| TargetError::Url)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError::Url);
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(TargetError::Url)?;
    // Whoever connects does not resolve an address.
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal.is_ok_and(|address| !allowed.lets(host, address)) {
        true => Err(TargetError::NotAllowed),
        false => Ok(url),
    }
}

/// Reads what is left of an answer, as far as it is short.
async fn finish(mut answer: Response, bytes_max: usize) {
    let mut read = 0;
    while read < bytes_max {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            _ => return,
        }
    }
}

/// Finds the addresses of a name that may be asked.
struct Guard(Allowed);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let lets = |address: &SocketAddr| allowed.lets(name.as_str(), address.ip());
            let found: Vec<SocketAddr> = found.filter(lets).collect();
            match found.is_empty() {
                true => Err(NotAllowed.into()),
                false => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}
