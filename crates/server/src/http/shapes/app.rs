//! Applications, as they are read and written.

use super::room::present;
use crate::{
    apps::{self, AppSettings},
    ws::stamp,
};
use campanile_core::application::{self, Application};
use campanile_protocol::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An application.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct App {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// What people call it.
    name: String,
    /// Whether it is served.
    enabled: bool,
    source: AppSource,
    /// The keys that are good, without their secrets.
    keys: Vec<AppKey>,
    settings: AppSettings,
    /// Connections that it has on the node that answers.
    connections: usize,
}

/// Who says that there is such an application.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum AppSource {
    /// The configuration: it cannot be changed here.
    Configuration,
    /// An operator.
    Api,
}

/// A key of an application.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppKey {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    key: String,
    /// When it was made; left out for those of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false, nullable = false)]
    created_at: Option<Stamp>,
}

/// The applications.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AppList {
    /// Those of the configuration first.
    pub(in crate::http) apps: Vec<App>,
}

/// An answer about an application.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AppAnswer {
    pub(in crate::http) app: App,
}

/// A new application with its key.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewAppAnswer {
    pub(in crate::http) app: App,
    #[schema(pattern = "^[0-9a-f]{20}$")]
    pub(in crate::http) key: String,
    /// What signs. It is shown this once.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    pub(in crate::http) secret: String,
}

/// A new key of an application.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AppSecretAnswer {
    #[schema(pattern = "^[0-9a-f]{20}$")]
    key: String,
    /// What signs. It is shown this once.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    secret: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
}

/// An application to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewApp {
    /// What its paths are to have; digits when it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(in crate::http) id: Option<String>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    pub(in crate::http) name: String,
    /// Whether it is served; it is when this is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(in crate::http) enabled: Option<bool>,
    /// What is left out is as it is by default.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = AppSettings)]
    pub(in crate::http) settings: Option<Map<String, Value>>,
}

/// A change of an application.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AppChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"
    )]
    pub(in crate::http) name: Option<String>,
    /// Whether it is served; clients of one that is not are sent away.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(in crate::http) enabled: Option<bool>,
    /// What is left out stays as it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = AppSettings)]
    pub(in crate::http) settings: Option<Map<String, Value>>,
}

impl From<application::AppKey> for AppSecretAnswer {
    fn from(key: application::AppKey) -> Self {
        Self { key: key.key, secret: key.secret.0, created_at: stamp(key.made_at) }
    }
}

impl App {
    /// An application that has so many connections.
    pub(in crate::http) fn of(app: &apps::App, connections: usize) -> Self {
        let key =
            |key: &apps::Key| AppKey { key: key.key.clone(), created_at: key.made_at.map(stamp) };
        Self {
            id: app.id.to_string(),
            name: app.name.clone(),
            enabled: app.enabled,
            source: app.source.into(),
            keys: app.known_keys.iter().map(key).collect(),
            settings: app.settings.clone(),
            connections,
        }
    }

    /// One of the store that is set so, whether or not it is served here.
    pub(in crate::http) fn stored(
        app: &Application,
        settings: AppSettings,
        connections: usize,
    ) -> Self {
        let key = |key: &application::AppKey| AppKey {
            key: key.key.clone(),
            created_at: Some(stamp(key.made_at)),
        };
        Self {
            id: app.id.to_string(),
            name: app.name.to_string(),
            enabled: app.enabled,
            source: AppSource::Api,
            keys: app.keys.iter().map(key).collect(),
            settings,
            connections,
        }
    }
}

impl From<apps::Source> for AppSource {
    fn from(source: apps::Source) -> Self {
        match source {
            apps::Source::Configuration => Self::Configuration,
            apps::Source::Api => Self::Api,
        }
    }
}
