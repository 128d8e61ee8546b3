//! What is wrong with the settings of applications.

use super::{
    super::{
        ConfigError, Secret,
        setting::join,
        validate::{Zero, check_seconds, wrong},
    },
    APPS_MAX, App, AppLimits,
};
use campanile_core::{channel::AppId, metrics::NATIVE_APP};
use campanile_metrics::OVERFLOW;
use std::collections::{BTreeMap, BTreeSet};

/// Longest list of members that a new one is given: half of what may wait for a connection by
/// default.
const PRESENCE_ANSWER_BYTES_MAX: usize = 512 * 1024;

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// Shortest secret, in bytes.
const SECRET_BYTES_MIN: usize = 16;

/// Fewest different bytes of a secret.
const SECRET_VARIETY_MIN: usize = 6;

/// Most origins of an application: each is compared when somebody comes.
const ORIGINS_MAX: usize = 64;

/// Most webhooks of an application: each is told on its own.
const WEBHOOKS_MAX: usize = 16;

/// Identities that metrics have given away already.
const TAKEN: [&str; 2] = [NATIVE_APP, OVERFLOW];

/// What secrets are made of that somebody has put there for now. The longest come first, as some
/// are in others.
const COMMON: &[&str] = &[
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "0123456789",
    "development",
    "123456789",
    "application",
    "campanile",
    "changeme",
    "password",
    "12345678",
    "example",
    "default",
    "laravel",
    "replace",
    "soketi",
    "sockudo",
    "pusher",
    "qwerty",
    "123456",
    "abcdef",
    "please",
    "reverb",
    "secret",
    "change",
    "super",
    "test",
    "your",
    "demo",
    "this",
    "some",
    "app",
    "key",
    "123",
];

/// Says what is wrong with them, if anything.
pub(crate) fn check(apps: &[App]) -> Result<(), ConfigError> {
    if apps.len() > APPS_MAX {
        let why = format!("are more than {APPS_MAX}");
        return Err(wrong("apps", &apps.len().to_string(), &why));
    }
    let (mut ids, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for (place, app) in apps.iter().enumerate() {
        let at = format!("apps.{place}");
        check_one(app, &at)?;
        unlike(&mut ids, app.id.as_deref(), join(&at, "id"))?;
        unlike(&mut keys, app.key.as_deref(), join(&at, "key"))?;
        for (place, further) in app.keys.iter().enumerate() {
            unlike(&mut keys, further.key.as_deref(), format!("{at}.keys.{place}.key"))?;
        }
    }
    Ok(())
}

/// The same for one application, whose settings are `at` this key.
pub(crate) fn check_one(app: &App, at: &str) -> Result<(), ConfigError> {
    check_id(app.id.as_deref(), &join(at, "id"))?;
    check_credentials((app.key.as_deref(), app.secret.as_ref()), at)?;
    for (place, further) in app.keys.iter().enumerate() {
        let at = format!("{at}.keys.{place}");
        check_credentials((further.key.as_deref(), further.secret.as_ref()), &at)?;
    }
    check_count("allowed_origins", app.allowed_origins.len(), ORIGINS_MAX, at)?;
    check_count("webhooks", app.webhooks.len(), WEBHOOKS_MAX, at)?;
    let mut origins = app.allowed_origins.iter();
    if let Some(origin) = origins.find(|origin| !is_origin(origin)) {
        let why = "is no origin, such as https://chat.example; an empty list lets all in";
        return Err(wrong(&join(at, "allowed_origins"), &format!("{origin:?}"), why));
    }
    check_limits(&app.limits, &join(at, "limits"))
}

fn check_count(name: &str, count: usize, max: usize, at: &str) -> Result<(), ConfigError> {
    if count > max {
        return Err(wrong(&join(at, name), &count.to_string(), &format!("are more than {max}")));
    }
    Ok(())
}

fn unlike<'a>(
    known: &mut BTreeMap<&'a str, String>,
    text: Option<&'a str>,
    setting: String,
) -> Result<(), ConfigError> {
    let Some(text) = text else { return Ok(()) };
    match known.get(text) {
        Some(other) => Err(wrong(&setting, text, &format!("is that of {other} too"))),
        None => {
            known.insert(text, setting);
            Ok(())
        }
    }
}

fn check_id(id: Option<&str>, setting: &str) -> Result<(), ConfigError> {
    let id = id.ok_or_else(|| missing(setting))?;
    if TAKEN.contains(&id) {
        return Err(wrong(setting, id, "is a name that metrics use for something else"));
    }
    match AppId::parse(id) {
        Ok(_) => Ok(()),
        Err(error) => Err(wrong(setting, &format!("{id:?}"), &format!("is none: {error}"))),
    }
}

fn check_credentials(
    (key, secret): (Option<&str>, Option<&Secret>),
    at: &str,
) -> Result<(), ConfigError> {
    let setting = join(at, "key");
    let key = key.ok_or_else(|| missing(&setting))?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(is_allowed) {
        let why = format!(
            "is none: a key has 1 to {KEY_BYTES_MAX} letters, digits, underscores and hyphens"
        );
        return Err(wrong(&setting, &format!("{key:?}"), &why));
    }
    let setting = join(at, "secret");
    let secret = secret.ok_or_else(|| missing(&setting))?;
    match weakness(key, secret.reveal()) {
        Some(why) => Err(ConfigError::Weak { key: setting, why }),
        None => Ok(()),
    }
}

/// Why others could guess the secret, if they could.
fn weakness(key: &str, secret: &str) -> Option<String> {
    let different: BTreeSet<u8> = secret.bytes().collect();
    if secret.len() < SECRET_BYTES_MIN {
        Some(format!("has fewer than {SECRET_BYTES_MIN} bytes"))
    } else if different.len() < SECRET_VARIETY_MIN {
        Some(format!("has fewer than {SECRET_VARIETY_MIN} different characters"))
    } else if secret == key {
        Some("is the key, which everyone may know".to_owned())
    } else if is_common(secret) {
        Some("looks like one that was to be replaced".to_owned())
    } else {
        None
    }
}

/// Whether little is left of it without the words that everyone thinks of.
fn is_common(secret: &str) -> bool {
    let mut left = secret.to_ascii_lowercase();
    left.retain(|letter| letter.is_alphanumeric());
    for word in COMMON {
        left = left.replace(word, "");
    }
    left.len() < SECRET_VARIETY_MIN
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.trim_end_matches('/').split_once("://") else { return false };
    let is_visible = |byte: u8| byte.is_ascii_graphic() && !b"/?#@*,\"".contains(&byte);
    !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !host.is_empty()
        && host.bytes().all(is_visible)
}

fn check_limits(limits: &AppLimits, at: &str) -> Result<(), ConfigError> {
    let bounds = [
        ("channel_name_bytes_max", limits.channel_name_bytes_max),
        ("event_name_characters_max", limits.event_name_characters_max),
        ("event_data_bytes_max", limits.event_data_bytes_max),
        ("channels_per_event_max", limits.channels_per_event_max),
        ("batch_events_max", limits.batch_events_max),
        ("frame_bytes_max", limits.frame_bytes_max),
        ("presence_members_max", limits.presence_members_max),
        ("user_id_characters_max", limits.user_id_characters_max),
    ];
    if let Some((name, _)) = bounds.iter().find(|(_, bound)| *bound == 0) {
        return Err(wrong(&join(at, name), "0", "would stop everything"));
    }
    if limits.client_events_per_second == 0 {
        let why = "lets no client send anything: set client_messages = false instead";
        return Err(wrong(&join(at, "client_events_per_second"), "0", why));
    }
    if limits.activity_timeout_seconds == 0 {
        let why = "makes clients fail";
        return Err(wrong(&join(at, "activity_timeout_seconds"), "0", why));
    }
    if limits.presence_answer_bytes() > PRESENCE_ANSWER_BYTES_MAX {
        let members = limits.presence_members_max.to_string();
        let why = "lets the list of members grow longer than a connection may be sent at once";
        return Err(wrong(&join(at, "presence_members_max"), &members, why));
    }
    let seconds = [
        ("pong_timeout_seconds", limits.pong_timeout_seconds, Zero::TooShort),
        ("silence_seconds_max", limits.silence_seconds_max, Zero::Fine),
        ("authorisation_timeout_seconds", limits.authorisation_timeout_seconds, Zero::TooShort),
        ("idempotency_seconds", limits.idempotency_seconds, Zero::TooShort),
        ("cache_seconds", limits.cache_seconds, Zero::TooShort),
        ("webhook_linger_seconds", limits.webhook_linger_seconds, Zero::Fine),
        ("webhook_retry_seconds", limits.webhook_retry_seconds, Zero::Fine),
    ];
    let seconds = seconds.map(|(name, seconds, zero)| (join(at, name), seconds, zero));
    check_seconds(&seconds.each_ref().map(|(key, seconds, zero)| (key.as_str(), *seconds, *zero)))
}

fn missing(setting: &str) -> ConfigError {
    ConfigError::Missing { key: setting.to_owned() }
}

#[cfg(test)]
mod tests;
