//! What tells applications over HTTP what happens in their channels, by the settings.

use crate::{
    apps::Apps,
    config::{
        self, Config,
        webhooks::{event, room_kind},
    },
    webhooks::Words,
};
use campanile_adapter_webhook::{Authority, OpenError, Receivers};
use campanile_core::{
    chat::Webhooks,
    labels::WebhookEvent,
    room::RoomKind,
    webhook::{Hook, HookId, Hooks},
};
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

/// Prepares to tell these applications; `None` where none of them has a webhook.
pub fn open(
    config: &Config,
    settings: &[config::App],
    apps: &Arc<Apps>,
) -> Result<Option<Webhooks>, WebhooksError> {
    let hooks: Hooks = settings.iter().flat_map(|app| hooks(config, app, apps)).collect();
    if hooks.is_empty() {
        return Ok(None);
    }
    let hooks = Arc::new(hooks);
    let words = Words { apps: apps.clone(), hooks: hooks.clone() };
    let receivers = Receivers::new(campanile_adapter_webhook::Config {
        allowed: config.webhooks.allowed(),
        authorities: authorities(config)?,
        letters: Box::new(words),
    });
    let service = Arc::new(receivers.map_err(WebhooksError::Open)?);
    Ok(Some(Webhooks { service, hooks }))
}

fn hooks(config: &Config, settings: &config::App, apps: &Apps) -> Vec<Hook> {
    let Some(app) = apps.by_id(settings.id.as_deref().unwrap_or_default()) else {
        return Vec::new();
    };
    let hook = |webhook: &config::AppWebhook| {
        let events: Vec<WebhookEvent> =
            webhook.events.iter().filter_map(|name| event(name)).collect();
        let rooms: Vec<RoomKind> =
            webhook.rooms.iter().filter_map(|name| room_kind(name)).collect();
        Hook {
            id: HookId {
                app: app.id.clone(),
                url: webhook.url.as_deref().unwrap_or_default().into(),
            },
            events: if events.is_empty() { of_channels() } else { events },
            rooms: if rooms.is_empty() { vec![RoomKind::Public] } else { rooms },
            direct_bodies: webhook.direct_bodies,
            linger: app.limits.webhook_linger,
            retry_time: app.limits.webhook_retry_time,
            batch_max: config.webhooks.batch,
        }
    };
    settings.webhooks.iter().map(hook).collect()
}

/// What happens in channels. Of rooms, only who asks for it is told.
fn of_channels() -> Vec<WebhookEvent> {
    let all = WebhookEvent::ALL.iter().copied();
    all.filter(|event| *event != WebhookEvent::Message).collect()
}

fn authorities(config: &Config) -> Result<Vec<Authority>, WebhooksError> {
    let Some(file) = &config.webhooks.ca else {
        return Ok(Vec::new());
    };
    let failed = |source| WebhooksError::File { file: file.clone(), source };
    Authority::parse(&fs::read(file).map_err(failed)?).map_err(WebhooksError::Authorities)
}
