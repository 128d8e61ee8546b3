//! Applications: made, changed and deleted by operators while the server runs.
//!
//! Each change is in the store before anybody is told of it. The other nodes are told that there is
//! one and look there; where the bus loses that, they look when it says so, and now and then.

use super::Chat;
use crate::{
    application::{AppKey, Application, Applications},
    channel::AppId,
    event::Signal,
    port::{AddAppKeyError, AppChange, ChangeAppError, CreateAppError, Fault, RevokeAppKeyError},
};
use std::sync::Arc;
use tokio::sync::Notify;

/// Where it is told that applications have changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    applications: Notify,
}

impl Changed {
    /// They have changed, or may have.
    pub(super) fn maybe(&self) {
        self.applications.notify_one();
    }
}

impl Chat {
    /// The applications that operators have made.
    pub async fn applications(&self) -> Result<Applications, Fault> {
        self.ports.apps.list().await
    }

    /// Ends when applications may have changed on another node, whether or not anybody waited for
    /// it.
    pub async fn applications_changed(&self) {
        self.apps_changed.applications.notified().await;
    }

    /// Makes an application.
    pub async fn make_app(&self, app: Application) -> Result<(), CreateAppError> {
        self.ports.apps.create(app, self.limits().apps_max).await?;
        self.tell_of_apps().await;
        Ok(())
    }

    /// Changes an application; what it is now. `at` is set here.
    pub async fn change_app(
        &self,
        id: &AppId,
        change: AppChange,
    ) -> Result<Application, ChangeAppError> {
        let change = AppChange { at: self.clock().now(), ..change };
        let changed = self.ports.apps.change(id, change).await?;
        self.tell_of_apps().await;
        Ok(changed)
    }

    /// Deletes an application; whether there was one.
    pub async fn delete_app(&self, id: &AppId) -> Result<bool, Fault> {
        let deleted = self.ports.apps.delete(id).await?;
        self.tell_of_apps().await;
        Ok(deleted)
    }

    /// Gives an application one more key; the key as it is kept.
    pub async fn add_app_key(&self, id: &AppId, key: AppKey) -> Result<AppKey, AddAppKeyError> {
        let key = self.ports.apps.add_key(id, key, self.limits().app_keys_max).await?;
        self.tell_of_apps().await;
        Ok(key)
    }

    /// Takes a key from an application.
    pub async fn revoke_app_key(&self, id: &AppId, key: &str) -> Result<(), RevokeAppKeyError> {
        self.ports.apps.revoke_key(id, key, self.clock().now()).await?;
        self.tell_of_apps().await;
        Ok(())
    }

    /// A bus that fails is counted, and not returned: the others look by themselves.
    async fn tell_of_apps(&self) {
        let _counted = self.ports.bus.publish(Arc::new(Signal::AppsChanged)).await;
    }
}
