//! Settings about metrics.

use super::{
    secret::Secret,
    setting::{NetworkText, section},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

section! {
    /// What monitoring sees, and who may look.
    pub struct Metrics {
        /// Whether metrics are shown at all.
        enabled: bool = true;
        /// How they are shown: `prometheus`.
        exporters: Vec<String> = vec!["prometheus".to_owned()];
        /// Address of the scrape endpoint.
        host: String = "127.0.0.1".to_owned();
        /// Port of the scrape endpoint.
        port: u16 = 9601;
        /// Addresses that may scrape.
        allow_ips: Vec<IpAddr> =
            vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        /// Networks that may scrape, such as `10.0.0.0/8`.
        allow_cidr: Vec<NetworkText> = Vec::new();
        /// Names, besides those without a dot, by which scrapers may call the endpoint while it
        /// asks for no authentication.
        allow_hosts: Vec<String> = Vec::new();
        /// Proxies whose `X-Forwarded-For` is believed; its right-most address that is not one
        /// of them is the scraper.
        trusted_proxies: Vec<NetworkText> = Vec::new();
        /// Token of at least 16 characters that a scraper has to bring.
        bearer_token: Option<Secret> = None;
        /// User and password that a scraper has to bring.
        basic_auth: BasicAuth = BasicAuth::default();
        /// Certificate and key to serve HTTPS with.
        tls: Tls = Tls::default();
        /// Whether answers are compressed for scrapers that understand gzip.
        gzip: bool = true;
        /// When gauges are read: `manual` for each scrape, or a number of seconds to read them
        /// in the background for several scrapers.
        statistics_interval: String = "manual".to_owned();
        /// The Prometheus exporter.
        prometheus: Prometheus = Prometheus::default();
    }
}

section! {
    /// User and password that a scraper has to bring.
    pub struct BasicAuth {
        /// The user.
        user: Option<String> = None;
        /// The password, of at least 16 characters.
        password: Option<Secret> = None;
    }
}

section! {
    /// Certificate and key to serve HTTPS with.
    pub struct Tls {
        /// File with the certificate and those between it and its root, in PEM.
        cert: Option<PathBuf> = None;
        /// File with the private key, in PEM.
        key: Option<PathBuf> = None;
    }
}

section! {
    /// The Prometheus exporter.
    pub struct Prometheus {
        /// What names begin with; `process_…` keeps its name.
        prefix: String = "chat_".to_owned();
    }
}
