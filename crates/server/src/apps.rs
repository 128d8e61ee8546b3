//! The applications of this server: whose channels it has, with which keys, within which bounds.

mod kept;

pub(crate) use kept::look_at_apps;
pub use kept::{APP_FILE, AppsError, settle};

use crate::config;
use campanile_core::{channel::AppId, metrics::App as AppLabel};
use campanile_metrics::Registry;
use campanile_pusher::{Credentials, Keys, Limits};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// An application.
#[derive(Clone, Debug)]
pub struct App {
    /// Its identity.
    pub id: AppId,
    /// The same, as it is counted.
    pub label: AppLabel,
    /// Whether it is served.
    pub enabled: bool,
    /// The first of its keys: what is signed for it is signed with this one.
    pub key: String,
    /// All its keys.
    pub keys: Keys,
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
    /// Messages that it may have in a day, on all nodes; `None` for any number.
    pub messages_per_day_max: Option<u64>,
    /// How long the answer to a request is remembered that may come again.
    pub idempotency_time: Duration,
}

/// All applications, by what they are asked for with.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    all: Vec<Arc<App>>,
    by_id: HashMap<String, Arc<App>>,
    by_key: HashMap<String, Arc<App>>,
}

impl Apps {
    /// Those of the settings, which were checked. The registry's values of [`AppLabel`] should have
    /// their ids.
    pub fn new(settings: &[config::App], registry: &Registry) -> Self {
        let mut apps = Self::default();
        for settings in settings {
            let app = Arc::new(App::new(settings, registry));
            apps.by_id.insert(app.id.as_str().to_owned(), app.clone());
            let keys = settings.credentials().map(|(key, _)| (key.to_owned(), app.clone()));
            apps.by_key.extend(keys);
            apps.all.push(app);
        }
        apps
    }

    /// The one of this identity.
    pub fn by_id(&self, id: &str) -> Option<&Arc<App>> {
        self.by_id.get(id)
    }

    /// The one that this key belongs to.
    pub fn by_key(&self, key: &str) -> Option<&Arc<App>> {
        self.by_key.get(key)
    }

    /// All of them, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<App>> {
        self.all.iter()
    }
}

impl App {
    fn new(settings: &config::App, registry: &Registry) -> Self {
        let id = settings.id.as_deref().unwrap_or_default();
        let id = AppId::parse(id).expect("it was checked with the other settings");
        let credentials: Vec<_> = settings
            .credentials()
            .map(|(key, secret)| Credentials::new(key, secret.reveal()))
            .collect();
        let origins = settings.allowed_origins.iter();
        Self {
            label: registry.label(id.as_str()),
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

    /// Whether a page of this origin may connect.
    pub fn lets_in(&self, origin: &str) -> bool {
        self.origins.is_empty() || self.origins.iter().any(|one| one == origin)
    }
}

#[cfg(test)]
mod tests;
