//! Settings about webhooks.

use super::{
    ConfigError,
    apps::{App, AppWebhook},
    setting::{join, section},
    validate::wrong,
};
use campanile_adapter_webhook::{Allowed, TargetError, target};
use campanile_core::{labels::WebhookEvent, room::RoomKind};
use std::{collections::BTreeSet, path::PathBuf};

/// Most events of one request.
const BATCH_MAX: usize = 100;

section! {
    /// Webhooks: what applications are told over HTTP of their channels. Which of them are told
    /// what is said at each, in `apps.N.webhooks`.
    pub struct Webhooks {
        /// Networks, addresses and hosts that may be told something beside the public internet,
        /// such as `10.1.0.0/16` or `hooks.internal`. A host is told whatever its name stands for.
        allow: Vec<String> = Vec::new();
        /// Most events that one request tells; 1 for a request each.
        batch: usize = 1;
        /// File with the authorities, in PEM, that vouch for receivers beside those of the system.
        ca: Option<PathBuf> = None;
    }
}

impl Webhooks {
    /// Who may be told something. It was checked.
    pub fn allowed(&self) -> Allowed {
        let mut each = self.allow.iter();
        let allowed = each.try_fold(Allowed::public(), |allowed, text| allowed.and(text));
        allowed.expect("it was checked with the other settings")
    }
}

/// The event of this name.
pub(crate) fn event(name: &str) -> Option<WebhookEvent> {
    WebhookEvent::ALL.iter().find(|event| event.values() == [name]).copied()
}

/// The kind of room of this name.
pub(crate) fn room_kind(name: &str) -> Option<RoomKind> {
    match name {
        "public" => Some(RoomKind::Public),
        "private" => Some(RoomKind::Private),
        "direct" => Some(RoomKind::Direct),
        _ => None,
    }
}

/// Says what is wrong with webhooks, if anything.
pub(super) fn check(webhooks: &Webhooks, apps: &[App]) -> Result<(), ConfigError> {
    for text in &webhooks.allow {
        if let Err(error) = Allowed::public().and(text) {
            return Err(wrong(
                "webhooks.allow",
                &format!("{text:?}"),
                &format!("is none: {error}"),
            ));
        }
    }
    if webhooks.batch == 0 || webhooks.batch > BATCH_MAX {
        let why = format!("is no number from 1 to {BATCH_MAX}");
        return Err(wrong("webhooks.batch", &webhooks.batch.to_string(), &why));
    }
    let allowed = webhooks.allowed();
    for (place, app) in apps.iter().enumerate() {
        check_app(&allowed, app, &format!("apps.{place}.webhooks"))?;
    }
    Ok(())
}

/// Says what is wrong with those of an application, if anything.
pub(crate) fn check_app(allowed: &Allowed, app: &App, at: &str) -> Result<(), ConfigError> {
    let mut known = BTreeSet::new();
    for (place, webhook) in app.webhooks.iter().enumerate() {
        let key = format!("{at}.{place}.url");
        let url = webhook.url.as_deref();
        let url = url.ok_or_else(|| ConfigError::Missing { key: key.clone() })?;
        // Part of a URL may be a secret: it is not shown.
        let weak = |why: String| ConfigError::Weak { key: key.clone(), why };
        target(allowed, url).map_err(|error| match error {
            TargetError::NotAllowed => weak(format!("is none: {error}; webhooks.allow can let it")),
            TargetError::Url | TargetError::Plain => weak(format!("is none: {error}")),
        })?;
        if !known.insert(url) {
            return Err(weak("is that of another webhook of this application".to_owned()));
        }
        if let Some(name) = webhook.events.iter().find(|name| event(name).is_none()) {
            let names: Vec<&str> = WebhookEvent::ALL.iter().map(|one| one.values()[0]).collect();
            let why = format!("is no event: there are {}", names.join(", "));
            let key = join(&format!("{at}.{place}"), "events");
            return Err(wrong(&key, &format!("{name:?}"), &why));
        }
        check_rooms(webhook, &format!("{at}.{place}"))?;
    }
    Ok(())
}

/// What is said of rooms is said to be heard.
fn check_rooms(webhook: &AppWebhook, at: &str) -> Result<(), ConfigError> {
    let rooms = &webhook.rooms;
    if let Some(name) = rooms.iter().find(|name| room_kind(name).is_none()) {
        let why = "is no kind of room: there are public, private, direct";
        return Err(wrong(&join(at, "rooms"), &format!("{name:?}"), why));
    }
    let message = WebhookEvent::Message.values()[0];
    if !rooms.is_empty() && !webhook.events.iter().any(|name| name == message) {
        let why = "are of no use where events does not name message";
        return Err(wrong(&join(at, "rooms"), &format!("{rooms:?}"), why));
    }
    if webhook.direct_bodies && !rooms.iter().any(|name| name == "direct") {
        let why = "is of no use where rooms does not name direct";
        return Err(wrong(&join(at, "direct_bodies"), "true", why));
    }
    Ok(())
}
