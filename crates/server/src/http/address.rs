//! The client's address: the peer's, or what a trusted proxy says.

use actix_web::{HttpRequest, dev::ServiceRequest, http::header::HeaderMap};
use campanile_exporter_prometheus::Network;
use std::net::{IpAddr, Ipv4Addr};

/// Who is believed about clients' addresses.
#[derive(Clone, Debug, Default)]
pub struct Proxies(pub Vec<Network>);

impl Proxies {
    /// Where a request comes from.
    pub fn client(&self, request: &HttpRequest) -> IpAddr {
        self.behind(request.peer_addr().map(|peer| peer.ip()), request.headers())
    }

    /// Whether a request came over TLS: as a trusted proxy says, else if this server speaks it.
    pub(crate) fn is_secure(&self, request: &HttpRequest, is_tls: bool) -> bool {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let said = request.headers().get("x-forwarded-proto");
        match said.filter(|_| peer.is_some_and(|peer| self.is_proxy(peer))) {
            Some(scheme) => scheme.as_bytes().eq_ignore_ascii_case(b"https"),
            None => is_tls,
        }
    }

    /// The same before it is routed.
    pub(super) fn client_of(&self, request: &ServiceRequest) -> IpAddr {
        self.behind(request.peer_addr().map(|peer| peer.ip()), request.headers())
    }

    /// The right-most address that is not a proxy's. What is left of it anyone can have written.
    fn behind(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.to_canonical());
        let lines = headers.get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
        let named: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        for name in named.iter().rev() {
            if !self.is_proxy(client) {
                break;
            }
            let Ok(address) = name.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        client
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let networks = proxies.iter().map(|one| one.parse().expect("a network"));
        let peer = format!("{peer}:1234").parse().expect("an address");
        let mut request = TestRequest::get().peer_addr(peer);
        for line in forwarded {
            request = request.append_header(("X-Forwarded-For", *line));
        }
        Proxies(networks.collect()).client(&request.to_http_request()).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(client(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_tls_and_nobody_else() {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().expect("a network")]);
        let is_secure = |peer: &str, scheme: &str| {
            let peer = format!("{peer}:1234").parse().expect("an address");
            let request = TestRequest::get().peer_addr(peer);
            let request = request.append_header(("X-Forwarded-Proto", scheme));
            proxies.is_secure(&request.to_http_request(), false)
        };
        assert!(is_secure("10.0.0.1", "https"));
        assert!(!is_secure("10.0.0.1", "http"));
        assert!(!is_secure("192.0.2.1", "https"));
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_the_last_address_only() {
        let proxies = ["10.0.0.0/8"];
        let forged = &["203.0.113.9, 198.51.100.7"];
        assert_eq!(client(&proxies, "10.0.0.1", forged), "198.51.100.7");
        let two = &["203.0.113.9, 198.51.100.7", "10.1.1.1"];
        assert_eq!(client(&proxies, "10.0.0.1", two), "198.51.100.7");
        assert_eq!(client(&proxies, "192.0.2.1", forged), "192.0.2.1");
        assert_eq!(client(&proxies, "10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client(&proxies, "10.0.0.1", &[]), "10.0.0.1");
    }
}
