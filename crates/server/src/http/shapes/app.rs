//! Applications, as they are read and written.

use crate::{
    apps::{self, AppSettings},
    ws::stamp,
};
use campanile_protocol::Stamp;
use serde::Serialize;
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

impl App {
    /// An application that has so many connections.
    pub(in crate::http) fn of(app: &apps::App, connections: usize) -> Self {
        let key = |key: &apps::Key| AppKey {
            key: key.key.clone(),
            created_at: key.made_at.map(stamp),
        };
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
}

impl From<apps::Source> for AppSource {
    fn from(source: apps::Source) -> Self {
        match source {
            apps::Source::Configuration => Self::Configuration,
        }
    }
}
