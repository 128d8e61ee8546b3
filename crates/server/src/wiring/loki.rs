//! What ships logs to Loki, by the settings.

use crate::{
    config::{Config, ConfigError},
    logs::{FIELD_BYTES_MAX, events},
};
use campanile_loki::{
    Auth, Config as ShipperConfig, ConfigError as ShipperConfigError, LokiLayer, Secret, Shipper,
    SpoolConfig, StartError,
};
use campanile_metrics::Registry;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// Bytes with which the buffer is of use.
pub const BUFFER_BYTES_MIN: usize = 16 * 1024;

/// What a push has beside the lines in it.
const PUSH_OVERHEAD_BYTES: usize = 4 * 1024;

/// How long a check waits until Loki has taken a line.
const CHECK_PATIENCE: Duration = Duration::from_secs(3);

/// Why logs are not shipped.
#[derive(Debug, thiserror::Error)]
#[error("setting log.loki: {0}")]
pub struct LokiError(#[from] StartError);

/// Ships logs, where the settings say so. Ends when it is dropped.
pub(crate) struct Shipping {
    shipper: Option<Shipper>,
    deadline: Duration,
}

/// Begins to ship what the layer is given.
pub(crate) fn start(config: &Config) -> Result<(Option<LokiLayer>, Shipping), LokiError> {
    let started = shipping(config).map(|shipping| shipping.start()).transpose()?;
    let (layer, shipper) = started.unzip();
    let deadline = Duration::from_secs_f64(config.log.loki.flush_deadline);
    Ok((layer, Shipping { shipper, deadline }))
}

impl Shipping {
    /// Shows what becomes of lines.
    pub(crate) fn count(&self, registry: &Registry) {
        if let Some(shipper) = &self.shipper {
            shipper.register(registry);
        }
    }

    /// Sends what waits, until the deadline, and says what could not be sent. Blocks.
    pub(crate) fn flush(self) {
        let Some(shipper) = self.shipper else { return };
        let report = shipper.flush(self.deadline);
        if report.dropped > 0 {
            let reason = trouble(&shipper);
            events::LogsNotShipped { lines: report.dropped, reason: &reason }.emit();
        }
        if report.kept > 0 {
            events::LogsKept { lines: report.kept }.emit();
        }
    }
}

/// Whether Loki takes a line, if lines are to be shipped: it is sent one. Blocks.
pub(crate) fn look_at_loki(config: &Config) -> Option<Result<String, String>> {
    // The spool is the server's.
    let shipping = ShipperConfig { spool: None, ..shipping(config)? };
    let url = shipping.url.clone();
    Some(match shipping.start() {
        Err(error) => Err(error.to_string()),
        Ok((layer, shipper)) => {
            let subscriber = tracing_subscriber::registry().with(layer);
            tracing::subscriber::with_default(subscriber, || events::LogStoreAsked {}.emit());
            let report = shipper.flush(CHECK_PATIENCE);
            match report.sent {
                0 => Err(format!("{url} took no line: {}", trouble(&shipper))),
                _ => Ok(format!("{url} takes lines")),
            }
        }
    })
}

/// Why Loki takes nothing. Of a push that is still waited for there is nothing else to say.
fn trouble(shipper: &Shipper) -> String {
    shipper.status().trouble.unwrap_or_else(|| "no answer".to_owned())
}

/// Says what is wrong, if anything. Files and neighbours are asked at the start.
pub(crate) fn check(config: &Config) -> Result<(), ConfigError> {
    let Some(shipping) = shipping(config) else { return Ok(()) };
    ShipperConfig { ca: None, ..shipping }.validate().map_err(|error| {
        let key = match &error {
            ShipperConfigError::Url(_) => "log.loki.url".to_owned(),
            ShipperConfigError::Label { label, .. } => format!("log.loki.labels.{label}"),
            ShipperConfigError::Header("tenant") => "log.loki.tenant".to_owned(),
            ShipperConfigError::Header(_) => {
                "log.loki.bearer_token, or user and password".to_owned()
            }
            ShipperConfigError::Zero("spool.bytes_max") => "log.loki.spool_bytes".to_owned(),
            _ => "log.loki".to_owned(),
        };
        ConfigError::Weak { key, why: format!("is no use: {error}") }
    })
}

/// How lines are shipped, if they are.
fn shipping(config: &Config) -> Option<ShipperConfig> {
    let loki = &config.log.loki;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let basic = loki.user.clone().zip(loki.password.as_ref());
    let basic = basic
        .map(|(user, password)| Auth::Basic { user, password: Secret(password.reveal().into()) });
    let bearer = loki.bearer_token.as_ref();
    let bearer = bearer.map(|token| Auth::Bearer(Secret(token.reveal().into())));
    let directory = loki.spool_dir.clone();
    let defaults = ShipperConfig::default();
    // A push has to fit into the buffer, and a line into a push.
    let request_bytes_max = defaults.request_bytes_max.min(loki.buffer_bytes);
    let line_bytes_max = (request_bytes_max / 2).saturating_sub(PUSH_OVERHEAD_BYTES);
    Some(ShipperConfig {
        url: loki.url.clone()?,
        service: text(&loki.labels.service),
        env: text(&loki.labels.env),
        instance: loki.labels.instance.clone().unwrap_or_else(|| config.node_name()),
        tenant: loki.tenant.clone(),
        auth: basic.or(bearer),
        ca: loki.ca.clone(),
        buffer_bytes_max: loki.buffer_bytes,
        spool: directory.map(|directory| SpoolConfig { directory, bytes_max: loki.spool_bytes }),
        request_bytes_max,
        line_bytes_max: defaults.line_bytes_max.min(line_bytes_max),
        value_bytes_max: FIELD_BYTES_MAX,
        ..defaults
    })
}
