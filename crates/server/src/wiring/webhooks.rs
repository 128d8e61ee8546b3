//! What tells applications over HTTP what happens in their channels, by the settings.

use crate::{apps::Apps, config::Config, logs::events, webhooks::Words};
use campanile_adapter_webhook::{Authority, OpenError, Receivers};
use campanile_core::chat::Webhooks;
use std::{fs, io, path::PathBuf, sync::Arc};

/// Why nobody can be told.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// The file of authorities cannot be read.
    #[error("cannot use {} (webhooks.ca): {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// They are none.
    #[error("setting webhooks.ca: {0}")]
    Authorities(OpenError),
    /// Nobody can be asked over TLS.
    #[error("webhooks cannot be told from here: {0}")]
    Open(OpenError),
}

/// Prepares to tell applications; `None` where none of them has a webhook and nobody can be told.
pub fn open(config: &Config, apps: &Arc<Apps>) -> Result<Option<Webhooks>, WebhooksError> {
    let hooks = apps.hooks().clone();
    let words = Words { apps: apps.clone(), hooks: hooks.clone() };
    let receivers = Receivers::new(campanile_adapter_webhook::Config {
        allowed: config.webhooks.allowed(),
        authorities: authorities(config)?,
        letters: Box::new(words),
    });
    match receivers {
        Ok(service) => Ok(Some(Webhooks { service: Arc::new(service), hooks })),
        Err(error) if hooks.is_empty() => {
            events::WebhooksOff { error: &error }.emit();
            Ok(None)
        }
        Err(error) => Err(WebhooksError::Open(error)),
    }
}

fn authorities(config: &Config) -> Result<Vec<Authority>, WebhooksError> {
    let Some(file) = &config.webhooks.ca else {
        return Ok(Vec::new());
    };
    let failed = |source| WebhooksError::File { file: file.clone(), source };
    Authority::parse(&fs::read(file).map_err(failed)?).map_err(WebhooksError::Authorities)
}
