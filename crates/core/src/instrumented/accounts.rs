//! The account store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::UserName,
    port::{AccountChange, AccountStore, CreateAccountError, Fault, NewAccount},
    time::Timestamp,
    user::Account,
};
use async_trait::async_trait;

#[async_trait]
impl AccountStore for Instrumented<dyn AccountStore> {
    async fn create(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        self.gauge.count(StoreCall::AccountsPut, self.inner.create(account)).await
    }

    async fn find(&self, name: &UserName) -> Result<Option<Account>, Fault> {
        self.gauge.count(StoreCall::AccountsGet, self.inner.find(name)).await
    }

    async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault> {
        self.gauge.count(StoreCall::AccountsPut, self.inner.change(name, change)).await
    }

    async fn touch(&self, seen: &[(UserName, Timestamp)]) -> Result<(), Fault> {
        self.gauge.count(StoreCall::AccountsPut, self.inner.touch(seen)).await
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::AccountsQuery, self.inner.count()).await
    }
}
