//! The push store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::UserName,
    port::{Fault, PushStore},
    push::{PushEndpoint, PushSubscription},
    time::Timestamp,
    user::TokenHash,
};
use async_trait::async_trait;

#[async_trait]
impl PushStore for Instrumented<dyn PushStore> {
    async fn put(
        &self,
        token: TokenHash,
        subscription: PushSubscription,
        now: Timestamp,
        each_max: u64,
    ) -> Result<bool, Fault> {
        let put = self.inner.put(token, subscription, now, each_max);
        self.gauge.count(StoreCall::PushesPut, put).await
    }

    async fn remove(&self, user: &UserName, endpoint: &PushEndpoint) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::PushesDelete, self.inner.remove(user, endpoint)).await
    }

    async fn of(&self, user: &UserName, now: Timestamp) -> Result<Vec<PushSubscription>, Fault> {
        self.gauge.count(StoreCall::PushesGet, self.inner.of(user, now)).await
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::PushesScan, self.inner.count()).await
    }
}
