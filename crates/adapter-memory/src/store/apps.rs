//! Applications in memory.

use super::{MemoryStore, State};
use async_trait::async_trait;
use campanile_core::{
    application::{AppKey, Application, Applications},
    channel::AppId,
    port::{
        AddAppKeyError, AppChange, AppStore, ChangeAppError, CreateAppError, Fault,
        RevokeAppKeyError,
    },
    time::Timestamp,
};

#[async_trait]
impl AppStore for MemoryStore {
    async fn create(&self, app: Application, kept_max: u64) -> Result<(), CreateAppError> {
        let mut state = self.state();
        if state.apps.contains_key(&app.id) {
            return Err(CreateAppError::IdTaken);
        }
        if app.keys.iter().any(|key| state.is_key(&key.key)) {
            return Err(CreateAppError::KeyTaken);
        }
        if state.apps.len() as u64 >= kept_max {
            return Err(CreateAppError::TooMany);
        }
        state.apps.insert(app.id.clone(), app);
        Ok(())
    }

    async fn list(&self) -> Result<Applications, Fault> {
        let all = self.state().apps.values().cloned().collect();
        Ok(Applications { all, ..Applications::default() })
    }

    async fn change(&self, id: &AppId, change: AppChange) -> Result<Application, ChangeAppError> {
        let mut state = self.state();
        let app = state.apps.get_mut(id).ok_or(ChangeAppError::NotFound)?;
        let AppChange { name, enabled, settings, settings_before, at } = change;
        if settings_before.is_some_and(|before| before != app.settings) {
            return Err(ChangeAppError::Stale);
        }
        app.name = name.unwrap_or_else(|| app.name.clone());
        app.enabled = enabled.unwrap_or(app.enabled);
        app.settings = settings.unwrap_or_else(|| app.settings.clone());
        app.changed_at = at;
        Ok(app.clone())
    }

    async fn delete(&self, id: &AppId) -> Result<bool, Fault> {
        Ok(self.state().apps.remove(id).is_some())
    }

    async fn add_key(
        &self,
        id: &AppId,
        key: AppKey,
        keys_max: usize,
    ) -> Result<AppKey, AddAppKeyError> {
        let mut state = self.state();
        let is_taken = state.is_key(&key.key);
        let app = state.apps.get_mut(id).ok_or(AddAppKeyError::NotFound)?;
        if is_taken {
            return Err(AddAppKeyError::KeyTaken);
        }
        if app.keys.len() >= keys_max {
            return Err(AddAppKeyError::TooMany);
        }
        let last = app.keys.iter().map(|key| key.made_at.0.saturating_add(1)).max();
        let made_at = last.map_or(key.made_at, |last| key.made_at.max(Timestamp(last)));
        let key = AppKey { made_at, ..key };
        app.changed_at = made_at;
        app.keys.push(key.clone());
        Ok(key)
    }

    async fn revoke_key(
        &self,
        id: &AppId,
        key: &str,
        now: Timestamp,
    ) -> Result<(), RevokeAppKeyError> {
        let mut state = self.state();
        let app = state.apps.get_mut(id).ok_or(RevokeAppKeyError::NotFound)?;
        let place = app.keys.iter().position(|one| one.key == key);
        let place = place.ok_or(RevokeAppKeyError::NotFound)?;
        if app.keys.len() == 1 {
            return Err(RevokeAppKeyError::Last);
        }
        app.keys.remove(place);
        app.changed_at = now;
        Ok(())
    }
}

impl State {
    /// Whether some application has this key.
    fn is_key(&self, key: &str) -> bool {
        self.apps.values().flat_map(|app| &app.keys).any(|one| one.key == key)
    }
}
