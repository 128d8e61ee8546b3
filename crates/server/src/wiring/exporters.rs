//! The exporters, by name.

use crate::config::{Config, Metrics, setting::NetworkText};
use campanile_exporter_prometheus as prometheus;
use campanile_metrics::{Exporter, RegistryBuilder, Sink};
use std::sync::Arc;

/// Exporters that have what they need to start.
pub struct Exporters {
    /// The exporters.
    pub all: Vec<Box<dyn Exporter>>,
    /// Where the program reads its own metrics.
    pub store: Arc<prometheus::Store>,
    /// Recorded into beside the exporters: the store, when none of them fills it.
    beside: Vec<Arc<dyn Sink>>,
}

/// Why an exporter cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// There is none of this name.
    #[error("setting metrics.exporters: there is no exporter {0:?}; there is \"prometheus\"")]
    Unknown(String),
    /// The scrape endpoint cannot be offered.
    #[error(transparent)]
    Prometheus(#[from] prometheus::BindError),
}

impl Exporters {
    /// Makes the exporters that are named, and takes their ports.
    pub fn bind(config: &Config) -> Result<Self, ExporterError> {
        let mut all: Vec<Box<dyn Exporter>> = Vec::new();
        let mut store = None;
        let names = if config.metrics.enabled { config.metrics.exporters.as_slice() } else { &[] };
        for name in names {
            match name.as_str() {
                "prometheus" => {
                    let exporter = scrape_endpoint(&config.metrics).bind()?;
                    store = Some(exporter.store());
                    all.push(Box::new(exporter));
                }
                other => return Err(ExporterError::Unknown(other.to_owned())),
            }
        }
        if let Some(store) = store {
            return Ok(Self { all, store, beside: Vec::new() });
        }
        let store = Arc::new(prometheus::Store::new());
        Ok(Self { all, store: store.clone(), beside: vec![store] })
    }

    /// Shows nothing and records nothing, not even for the program itself: for benchmarks that
    /// ask what recording costs.
    pub fn none() -> Self {
        Self { all: Vec::new(), store: Arc::default(), beside: Vec::new() }
    }

    /// Records into one more sink, which nobody shows: for benchmarks as well.
    pub fn beside(mut self, sink: Arc<dyn Sink>) -> Self {
        self.beside.push(sink);
        self
    }

    /// Tells the registry to record into all of them.
    pub fn record(&self, builder: RegistryBuilder) -> RegistryBuilder {
        let builder =
            self.all.iter().fold(builder, |builder, exporter| builder.exporter(&**exporter));
        self.beside.iter().cloned().fold(builder, RegistryBuilder::sink)
    }
}

fn scrape_endpoint(metrics: &Metrics) -> prometheus::Config {
    let secret = |secret: &crate::config::Secret| prometheus::Secret(secret.reveal().to_owned());
    let networks = |texts: &[NetworkText]| texts.iter().map(NetworkText::network).collect();
    let basic_auth = metrics.basic_auth.user.as_ref().zip(metrics.basic_auth.password.as_ref());
    let tls = metrics.tls.cert.as_ref().zip(metrics.tls.key.as_ref());
    prometheus::Config {
        host: metrics.host.clone(),
        port: metrics.port,
        allow_ips: metrics.allow_ips.clone(),
        allow_cidr: networks(&metrics.allow_cidr),
        trusted_proxies: networks(&metrics.trusted_proxies),
        allow_hosts: metrics.allow_hosts.clone(),
        bearer_token: metrics.bearer_token.as_ref().map(secret),
        basic_auth: basic_auth.map(|(user, password)| prometheus::BasicAuth {
            user: user.clone(),
            password: secret(password),
        }),
        tls: tls.map(|(cert, key)| prometheus::Tls { cert: cert.clone(), key: key.clone() }),
        prefix: metrics.prometheus.prefix.clone(),
        gzip: metrics.gzip,
    }
}
