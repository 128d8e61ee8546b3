//! Prekeys: publishing them, and claiming those of others.

use super::{Chat, Limited};
use crate::{
    labels::PrekeyKind,
    name::UserName,
    port::{Fault, Limiter, LimiterContext, PutPrekeysError},
    prekey::{PrekeyBundle, PrekeyCount, Prekeys},
};

/// Why prekeys were not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishPrekeysError {
    /// Too many would be kept.
    #[error("at most {max} prekeys of a kind are kept for their owner")]
    TooMany {
        /// How many may be.
        max: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why no bundle was handed out.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The user has published none.
    #[error("there is no such user, or none who has published prekeys")]
    Unpublished,
    /// Too many claims.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Chat {
    /// Publishes prekeys of `user`; how many are left then.
    pub async fn publish_prekeys(
        &self,
        user: &UserName,
        prekeys: Prekeys,
    ) -> Result<PrekeyCount, PublishPrekeysError> {
        let max = self.limits().prekeys_per_user_max;
        let added =
            self.ports.prekeys.put(user, prekeys, max).await.map_err(|error| match error {
                PutPrekeysError::TooMany => PublishPrekeysError::TooMany { max },
                PutPrekeysError::Fault(fault) => fault.into(),
            })?;
        let uploaded = &self.metrics().prekeys.uploaded;
        for (kind, count) in by_kind(&added) {
            uploaded.add(count, kind);
        }
        Ok(self.prekeys_left(user).await?)
    }

    /// How many prekeys of a user are left.
    pub async fn prekeys_left(&self, user: &UserName) -> Result<PrekeyCount, Fault> {
        self.ports.prekeys.count(user).await
    }

    /// Hands a bundle of `user` to `by`. Claims are limited, since who claims often leaves others
    /// without one-time prekeys (X3DH, 4.7).
    pub async fn claim_prekeys(
        &self,
        by: &UserName,
        user: &UserName,
    ) -> Result<PrekeyBundle, ClaimError> {
        let limited = (Limiter::Prekey, LimiterContext::User);
        self.pass(limited, by.as_str(), |rates| rates.prekey_claims_per_user).await?;
        let bundle = self.ports.prekeys.claim(user).await?.ok_or(ClaimError::Unpublished)?;
        let metrics = &self.metrics().prekeys;
        metrics.consumed.increment(PrekeyKind::Signed);
        if bundle.kem.is_some() {
            metrics.consumed.increment(PrekeyKind::Kem);
        }
        if bundle.one_time.is_some() {
            metrics.consumed.increment(PrekeyKind::OneTime);
        } else {
            metrics.fallbacks.increment();
        }
        Ok(bundle)
    }

    /// Counts what is left of all users.
    pub async fn count_prekeys(&self) -> Result<(), Fault> {
        let totals = self.ports.prekeys.totals(self.limits().prekeys_low).await?;
        let metrics = &self.metrics().prekeys;
        metrics.available.recount(by_kind(&totals.left));
        metrics.users_low.set(totals.users_low);
        metrics.users_exhausted.set(totals.users_exhausted);
        Ok(())
    }
}

fn by_kind(count: &PrekeyCount) -> [(PrekeyKind, u64); 3] {
    [
        (PrekeyKind::OneTime, count.one_time),
        (PrekeyKind::Signed, count.signed),
        (PrekeyKind::Kem, count.kem + count.last_resort),
    ]
}
