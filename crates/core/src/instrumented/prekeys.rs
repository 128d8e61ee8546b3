//! The prekey store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::UserName,
    port::{Fault, PrekeyStore, PrekeyTotals, PutPrekeysError},
    prekey::{PrekeyBundle, PrekeyCount, Prekeys},
};
use async_trait::async_trait;

#[async_trait]
impl PrekeyStore for Instrumented<dyn PrekeyStore> {
    async fn put(
        &self,
        user: &UserName,
        prekeys: Prekeys,
        each_max: u64,
    ) -> Result<PrekeyCount, PutPrekeysError> {
        self.gauge.count(StoreCall::PrekeysPut, self.inner.put(user, prekeys, each_max)).await
    }

    async fn count(&self, user: &UserName) -> Result<PrekeyCount, Fault> {
        self.gauge.count(StoreCall::PrekeysQuery, self.inner.count(user)).await
    }

    async fn claim(&self, user: &UserName) -> Result<Option<PrekeyBundle>, Fault> {
        self.gauge.count(StoreCall::PrekeysGet, self.inner.claim(user)).await
    }

    async fn totals(&self, low: u64) -> Result<PrekeyTotals, Fault> {
        self.gauge.count(StoreCall::PrekeysScan, self.inner.totals(low)).await
    }
}
