//! Who may scrape: by address, by the name they call, by what they bring.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use campanile_metrics::labels;
use subtle::ConstantTimeEq;

use crate::config::{Config, Network};

labels! {
    /// Why a request to the endpoint was refused.
    pub enum Denial("reason") {
        /// Its address is not allowed.
        Address = "address",
        /// The name it called is not one of ours.
        Host = "host",
        /// It brought no credential, or a wrong one.
        Token = "token",
        /// There is nothing under this path.
        Path = "path",
        /// Only reading is possible.
        Method = "method",
        /// Too many scrapes are waiting already.
        Rate = "rate",
    }
}

/// Where the metrics are, and nothing else.
pub(crate) const PATH: &str = "/metrics";

/// The rules of who may scrape.
#[derive(Debug)]
pub(crate) struct Access {
    allowed: Vec<Network>,
    proxies: Vec<Network>,
    hosts: Vec<String>,
    // Complete values of the header, without the scheme; empty when anyone allowed may come.
    bearer: Option<Vec<u8>>,
    basic: Option<Vec<u8>>,
}

/// What a request tells of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) peer: Option<IpAddr>,
    /// Every value of `X-Forwarded-For`, in order.
    pub(crate) forwarded: &'a [&'a str],
    pub(crate) host: Option<&'a str>,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

impl Access {
    pub(crate) fn new(config: &Config) -> Self {
        let single = config.allow_ips.iter().copied().map(Network::from);
        let basic = config.basic_auth.as_ref();
        Self {
            allowed: single.chain(config.allow_cidr.iter().copied()).collect(),
            proxies: config.trusted_proxies.clone(),
            hosts: config.allow_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            bearer: config.bearer_token.as_ref().map(|token| token.0.clone().into_bytes()),
            basic: basic.map(|basic| format!("{}:{}", basic.user, basic.password.0).into_bytes()),
        }
    }

    /// Lets a request pass or says why not. Whoever is refused for who they are learns
    /// nothing of what is here.
    pub(crate) fn check(&self, caller: &Caller<'_>) -> Result<(), Denial> {
        let client = self.client(caller).ok_or(Denial::Address)?;
        if !self.allowed.iter().any(|network| network.contains(client)) {
            return Err(Denial::Address);
        }
        if self.asks_for_credentials() {
            if !caller.authorization.is_some_and(|brought| self.knows(brought)) {
                return Err(Denial::Token);
            }
        } else if !caller.host.is_none_or(|host| self.answers_to(host)) {
            return Err(Denial::Host);
        }
        if caller.path != PATH {
            return Err(Denial::Path);
        }
        if !matches!(caller.method, "GET" | "HEAD") {
            return Err(Denial::Method);
        }
        Ok(())
    }

    /// What to ask those for who brought nothing.
    pub(crate) fn challenges(&self) -> impl Iterator<Item = &'static str> {
        let bearer = self.bearer.as_ref().map(|_| "Bearer realm=\"metrics\"");
        bearer.into_iter().chain(self.basic.as_ref().map(|_| "Basic realm=\"metrics\""))
    }

    fn asks_for_credentials(&self) -> bool {
        self.bearer.is_some() || self.basic.is_some()
    }

    /// Whom the request is from: its peer, or if that is a proxy of ours, whom the proxy
    /// names. What was written left of that is the client's own claim.
    fn client(&self, caller: &Caller<'_>) -> Option<IpAddr> {
        let peer = caller.peer?.to_canonical();
        if !self.is_proxy(peer) {
            return Some(peer);
        }
        let mut client = peer;
        let hops = caller.forwarded.iter().rev().flat_map(|value| value.rsplit(','));
        for hop in hops {
            client = address(hop.trim())?;
            if !self.is_proxy(client) {
                break;
            }
        }
        Some(client)
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(address))
    }

    /// An address, or a name that a web page elsewhere cannot have chosen: `localhost`, a
    /// name without a dot, a configured one.
    fn answers_to(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if address(&host).is_some() {
            return true;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            _ => &host,
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (!name.is_empty() && name.bytes().all(plain))
            || self.hosts.iter().any(|known| known == name)
    }

    fn knows(&self, authorization: &str) -> bool {
        let Some((scheme, value)) = authorization.trim().split_once(' ') else {
            return false;
        };
        let value = value.trim();
        let same = |known: &Option<Vec<u8>>, brought: &[u8]| {
            known.as_ref().is_some_and(|known| bool::from(known.as_slice().ct_eq(brought)))
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            same(&self.bearer, value.as_bytes())
        } else if scheme.eq_ignore_ascii_case("basic") {
            BASE64_STANDARD.decode(value).is_ok_and(|brought| same(&self.basic, &brought))
        } else {
            false
        }
    }
}

/// An address with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.parse::<IpAddr>().or_else(|_| {
        let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        unbracketed.unwrap_or_default().parse()
    });
    let address = plain.or_else(|_| text.parse::<SocketAddr>().map(|both| both.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
