//! The applications of this server: whose channels it has, with which keys, within which bounds.

mod settings;
mod kept;
mod known;
mod lease;
mod made;

pub use kept::{APP_FILE, AppsError, settle};
pub(crate) use kept::{look_at_apps, look_at_stored};
pub use known::Apps;
pub(crate) use lease::{Leases, Tenancy};
pub(crate) use made::{new_id, new_key};
pub use settings::AppSettings;

use crate::config;
use campanile_core::{channel::AppId, metrics::App as AppLabel, time::Timestamp};
use campanile_pusher::{Credentials, Keys, Limits};
use std::time::Duration;

/// An application.
#[derive(Clone, Debug)]
pub struct App {
    /// Its identity.
    pub id: AppId,
    /// The same, as it is counted.
    pub label: AppLabel,
    /// What people call it.
    pub name: String,
    /// Who says that there is such an application.
    pub source: Source,
    /// When it was made, where an operator did.
    pub made_at: Option<Timestamp>,
    /// Whether it is served.
    pub enabled: bool,
    /// The first of its keys: what is signed for it is signed with this one.
    pub key: String,
    /// All its keys.
    pub keys: Keys,
    /// The same without their secrets.
    pub known_keys: Vec<Key>,
    /// What it is set to, as it is shown; what is below is made of it.
    pub settings: AppSettings,
    /// Whether its clients may send events to each other.
    pub client_events: bool,
    /// Whether the subscribers of its channels are told how many they are.
    pub subscription_counts: bool,
    /// Whether its connections are closed that nobody has vouched for in time.
    pub user_authentication: bool,
    /// Whether its clients have to come by `wss:`.
    pub tls_only: bool,
    /// Origins of the web pages that may connect, without a slash at the end; all may where there
    /// are none.
    pub origins: Vec<String>,
    /// What bounds its clients and publishers.
    pub limits: Limits,
    /// Connections that it may have on this node.
    pub connections_max: usize,
    /// How long its connections may stay, by the key that they came with.
    pub(crate) leases: Leases,
    /// Messages that it may have in a day, on all nodes; `None` for any number.
    pub messages_per_day_max: Option<u64>,
    /// How long the answer to a request is remembered that may come again.
    pub idempotency_time: Duration,
}

/// Who says that there is an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration, or the file of the application that a server made for itself.
    Configuration,
    /// An operator.
    Api,
}

/// A key without its secret.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub key: String,
    /// When it was made, where that is known.
    pub made_at: Option<Timestamp>,
}

impl App {
    /// The one of these settings, which were checked.
    fn new(settings: &config::App, label: AppLabel) -> Self {
        let id = settings.id.as_deref().unwrap_or_default();
        let id = AppId::parse(id).expect("it was checked with the other settings");
        let credentials: Vec<_> = settings
            .credentials()
            .map(|(key, secret)| Credentials::new(key, secret.reveal()))
            .collect();
        let known: Vec<_> = settings.credentials().map(|(key, _)| key.to_owned()).collect();
        let leases = known.iter().map(|key| (key.clone(), Default::default())).collect();
        let origins = settings.allowed_origins.iter();
        Self {
            label,
            name: id.to_string(),
            source: Source::Configuration,
            made_at: None,
            known_keys: known.into_iter().map(|key| Key { key, made_at: None }).collect(),
            leases,
            settings: settings.into(),
            id,
            enabled: settings.enabled,
            key: settings.key.clone().unwrap_or_default(),
            keys: Keys::new(credentials),
            client_events: settings.client_messages,
            subscription_counts: settings.subscription_counts,
            user_authentication: settings.user_authentication,
            tls_only: settings.tls_only,
            origins: origins.map(|origin| origin.trim_end_matches('/').to_owned()).collect(),
            limits: settings.limits.to_pusher(),
            connections_max: match settings.limits.connections_max {
                0 => usize::MAX,
                max => max,
            },
            messages_per_day_max: match settings.limits.messages_per_day_max {
                0 => None,
                max => Some(max),
            },
            idempotency_time: Duration::from_secs_f64(settings.limits.idempotency_seconds),
        }
    }
}

#[cfg(test)]
mod tests;
