//! The invite store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    invite::{Invite, InviteHash},
    port::{Fault, InviteStore, PutInviteError},
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
impl InviteStore for Instrumented<dyn InviteStore> {
    async fn put(&self, invite: Invite, kept_max: u64) -> Result<(), PutInviteError> {
        self.gauge.count(StoreCall::InvitesPut, self.inner.put(invite, kept_max)).await
    }

    async fn list(&self, now: Timestamp, limit: usize) -> Result<Vec<Invite>, Fault> {
        self.gauge.count(StoreCall::InvitesScan, self.inner.list(now, limit)).await
    }

    async fn find(&self, hash: InviteHash, now: Timestamp) -> Result<Option<Invite>, Fault> {
        self.gauge.count(StoreCall::InvitesGet, self.inner.find(hash, now)).await
    }

    async fn revoke(&self, hash: InviteHash) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::InvitesDelete, self.inner.revoke(hash)).await
    }
}
