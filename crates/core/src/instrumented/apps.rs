//! The store of applications, measured.

use super::{Instrumented, StoreCall};
use crate::{
    application::{AppKey, Application, Applications},
    channel::AppId,
    port::{
        AddAppKeyError, AppChange, AppStore, ChangeAppError, CreateAppError, Fault,
        RevokeAppKeyError,
    },
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
impl AppStore for Instrumented<dyn AppStore> {
    async fn create(&self, app: Application, kept_max: u64) -> Result<(), CreateAppError> {
        self.gauge.count(StoreCall::AppsPut, self.inner.create(app, kept_max)).await
    }

    async fn list(&self) -> Result<Applications, Fault> {
        self.gauge.count(StoreCall::AppsScan, self.inner.list()).await
    }

    async fn change(&self, id: &AppId, change: AppChange) -> Result<Application, ChangeAppError> {
        self.gauge.count(StoreCall::AppsPut, self.inner.change(id, change)).await
    }

    async fn delete(&self, id: &AppId) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::AppsDelete, self.inner.delete(id)).await
    }

    async fn add_key(
        &self,
        id: &AppId,
        key: AppKey,
        keys_max: usize,
    ) -> Result<AppKey, AddAppKeyError> {
        self.gauge.count(StoreCall::AppsPut, self.inner.add_key(id, key, keys_max)).await
    }

    async fn revoke_key(
        &self,
        id: &AppId,
        key: &str,
        now: Timestamp,
    ) -> Result<(), RevokeAppKeyError> {
        self.gauge.count(StoreCall::AppsDelete, self.inner.revoke_key(id, key, now)).await
    }
}
