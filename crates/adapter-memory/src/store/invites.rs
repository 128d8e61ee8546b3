//! Invitations in memory.

use super::{MemoryStore, State};
use async_trait::async_trait;
use campanile_core::{
    invite::{Invite, InviteHash},
    port::{Fault, InviteStore, PutInviteError},
    time::Timestamp,
};
use std::cmp::Reverse;

#[async_trait]
impl InviteStore for MemoryStore {
    async fn put(&self, invite: Invite, kept_max: u64) -> Result<(), PutInviteError> {
        let mut state = self.state();
        state.invites.retain(|_, other| other.expires_at > invite.made_at);
        let others = state.invites.keys().filter(|hash| **hash != invite.hash).count();
        if others as u64 >= kept_max {
            return Err(PutInviteError::TooMany);
        }
        state.invites.insert(invite.hash, invite);
        Ok(())
    }

    async fn list(&self, now: Timestamp, limit: usize) -> Result<Vec<Invite>, Fault> {
        let state = self.state();
        let valid = state.invites.values().filter(|invite| invite.expires_at > now);
        let mut all: Vec<Invite> = valid.cloned().collect();
        all.sort_by_key(|invite| (Reverse(invite.made_at), invite.hash));
        all.truncate(limit);
        Ok(all)
    }

    async fn find(&self, hash: InviteHash, now: Timestamp) -> Result<Option<Invite>, Fault> {
        let state = self.state();
        Ok(state.invites.get(&hash).filter(|invite| invite.expires_at > now).cloned())
    }

    async fn revoke(&self, hash: InviteHash) -> Result<bool, Fault> {
        Ok(self.state().invites.remove(&hash).is_some())
    }
}

impl State {
    /// Whether an invitation lets somebody in at `now`.
    pub(super) fn lets_in(&self, hash: InviteHash, now: Timestamp) -> bool {
        self.invites.get(&hash).is_some_and(|invite| invite.expires_at > now)
    }

    /// Takes one use of an invitation, and with the last the invitation.
    pub(super) fn take_use(&mut self, hash: InviteHash) {
        if let Some(invite) = self.invites.get_mut(&hash) {
            invite.uses_left = invite.uses_left.saturating_sub(1);
            if invite.uses_left == 0 {
                self.invites.remove(&hash);
            }
        }
    }
}
