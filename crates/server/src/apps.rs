use campanile_core::{channel::AppId, metrics};
use campanile_pusher::{Keys, Limits};
use std::sync::Arc;
pub struct App {
    pub id: AppId,
    pub label: metrics::App,
    pub is_enabled: bool,
    pub keys: Keys,
    pub client_events: bool,
    pub subscription_counts: bool,
    pub user_authentication: bool,
    pub tls_only: bool,
    pub origins: Vec<String>,
    pub limits: Limits,
    pub connections_max: usize,
}
#[derive(Default)]
pub struct Apps {
    all: Vec<Arc<App>>,
}
impl Apps {
    pub fn by_id(&self, id: &str) -> Option<&Arc<App>> {
        self.all.iter().find(|app| app.id.as_str() == id)
    }
    pub fn by_key(&self, key: &str) -> Option<&Arc<App>> {
        self.all.iter().find(|app| app.keys.find(key).is_some())
    }
    pub fn iter(&self) -> impl Iterator<Item = &Arc<App>> {
        self.all.iter()
    }
}
impl App {
    pub fn lets_in(&self, _origin: &str) -> bool {
        true
    }
}
