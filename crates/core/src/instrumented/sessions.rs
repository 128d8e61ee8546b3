//! The session store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::UserName,
    port::{Fault, SessionStore},
    time::Timestamp,
    user::{Session, TokenHash},
};
use async_trait::async_trait;

#[async_trait]
impl SessionStore for Instrumented<dyn SessionStore> {
    async fn open(&self, session: Session) -> Result<(), Fault> {
        self.gauge.count(StoreCall::SessionsPut, self.inner.open(session)).await
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault> {
        self.gauge.count(StoreCall::SessionsGet, self.inner.find(token, now)).await
    }

    async fn end(&self, token: TokenHash) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::SessionsDelete, self.inner.end(token)).await
    }

    async fn end_all(&self, user: &UserName) -> Result<Vec<TokenHash>, Fault> {
        self.gauge.count(StoreCall::SessionsDelete, self.inner.end_all(user)).await
    }

    async fn ended(&self, tokens: &[TokenHash], now: Timestamp) -> Result<Vec<bool>, Fault> {
        self.gauge.count(StoreCall::SessionsGet, self.inner.ended(tokens, now)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        self.gauge.count(StoreCall::SessionsDelete, self.inner.purge(now)).await
    }
}
