//! The presence store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::UserName,
    port::{ConnectionId, Fault, PresenceChange, PresenceStore},
    user::Status,
};
use async_trait::async_trait;

#[async_trait]
impl PresenceStore for Instrumented<dyn PresenceStore> {
    async fn put(
        &self,
        user: &UserName,
        connection: ConnectionId,
        status: Status,
    ) -> Result<PresenceChange, Fault> {
        self.gauge.count(StoreCall::PresencePut, self.inner.put(user, connection, status)).await
    }

    async fn remove(
        &self,
        user: &UserName,
        connection: ConnectionId,
    ) -> Result<PresenceChange, Fault> {
        self.gauge.count(StoreCall::PresenceDelete, self.inner.remove(user, connection)).await
    }

    async fn statuses(&self, users: &[UserName]) -> Result<Vec<Status>, Fault> {
        self.gauge.count(StoreCall::PresenceGet, self.inner.statuses(users)).await
    }

    async fn connections(&self, users: &[UserName]) -> Result<Vec<usize>, Fault> {
        self.gauge.count(StoreCall::PresenceGet, self.inner.connections(users)).await
    }

    async fn users_online(&self) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::PresenceQuery, self.inner.users_online()).await
    }

    async fn reconcile(&self) -> Result<Vec<(UserName, Status)>, Fault> {
        self.gauge.count(StoreCall::PresenceScan, self.inner.reconcile()).await
    }
}
