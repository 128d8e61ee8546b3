//! Invitations: made, listed and revoked by operators.

use super::Chat;
use crate::{
    invite::{Invite, InviteHash},
    name::UserName,
    port::{Fault, PutInviteError},
};
use std::time::Duration;

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Too many invitations would be kept.
    #[error("at most {max} invitations are kept: revoke some, or wait until some were used")]
    TooMany {
        /// How many may be.
        max: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Chat {
    /// Lets whoever has the code of `hash` make an account, `uses` times within `lifetime`.
    pub async fn invite(
        &self,
        by: &UserName,
        hash: InviteHash,
        uses: u32,
        lifetime: Duration,
    ) -> Result<Invite, InviteError> {
        let made_at = self.clock().now();
        let expires_at = made_at.plus(lifetime);
        let made_by = Some(by.clone());
        let invite = Invite { hash, made_by, made_at, expires_at, uses_left: uses };
        let max = self.limits().invites_max;
        let put = self.ports.invites.put(invite.clone(), max).await;
        put.map_err(|error| match error {
            PutInviteError::TooMany => InviteError::TooMany { max },
            PutInviteError::Fault(fault) => fault.into(),
        })?;
        Ok(invite)
    }

    /// Whether an invitation lets somebody in.
    pub async fn is_invited(&self, hash: InviteHash) -> Result<bool, Fault> {
        let found = self.ports.invites.find(hash, self.clock().now()).await?;
        Ok(found.is_some())
    }

    /// The invitations that still let somebody in, the newest first.
    pub async fn invites(&self) -> Result<Vec<Invite>, Fault> {
        let limit = usize::try_from(self.limits().invites_max).unwrap_or(usize::MAX);
        self.ports.invites.list(self.clock().now(), limit).await
    }

    /// Takes an invitation back; whether there was one.
    pub async fn revoke_invite(&self, hash: InviteHash) -> Result<bool, Fault> {
        self.ports.invites.revoke(hash).await
    }
}
