//! Prekeys in memory.

use super::MemoryStore;
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PrekeyStore, PrekeyTotals, PutPrekeysError},
    prekey::{
        Material, OneTimePrekey, PrekeyBundle, PrekeyCount, PrekeyId, Prekeys, SignedPrekey,
        unpublished,
    },
};
use std::collections::BTreeMap;

/// What a user has published and is left.
#[derive(Debug)]
pub(super) struct Published {
    identity_key: Material,
    signed: SignedPrekey,
    last_resort: Option<SignedPrekey>,
    one_time: Pile<OneTimePrekey>,
    kem: Pile<SignedPrekey>,
}

/// Prekeys that are used once, and the highest id there ever was.
#[derive(Debug)]
struct Pile<K> {
    left: BTreeMap<PrekeyId, K>,
    highest: Option<PrekeyId>,
}

#[async_trait]
impl PrekeyStore for MemoryStore {
    async fn put(
        &self,
        user: &UserName,
        prekeys: Prekeys,
        each_max: u64,
    ) -> Result<PrekeyCount, PutPrekeysError> {
        let mut state = self.state();
        let Prekeys { identity_key, signed, last_resort, one_time, kem } = prekeys;
        let known = state.prekeys.get(user).filter(|known| known.identity_key == identity_key);
        let (empty_one_time, empty_kem) = (Pile::default(), Pile::default());
        let (known_one_time, known_kem) =
            known.map_or((&empty_one_time, &empty_kem), |known| (&known.one_time, &known.kem));
        let (one_time, one_time_added) = known_one_time.with(&one_time, |key| key.id, each_max)?;
        let (kem, kem_added) = known_kem.with(&kem, |key| key.id, each_max)?;
        let added = PrekeyCount {
            signed: 1,
            one_time: one_time_added,
            kem: kem_added,
            last_resort: u64::from(last_resort.is_some()),
        };
        let published = Published { identity_key, signed, last_resort, one_time, kem };
        state.prekeys.insert(user.clone(), published);
        Ok(added)
    }

    async fn count(&self, user: &UserName) -> Result<PrekeyCount, Fault> {
        Ok(self.state().prekeys.get(user).map(Published::count).unwrap_or_default())
    }

    async fn claim(&self, user: &UserName) -> Result<Option<PrekeyBundle>, Fault> {
        let mut state = self.state();
        Ok(state.prekeys.get_mut(user).map(|published| PrekeyBundle {
            identity_key: published.identity_key.clone(),
            signed: published.signed.clone(),
            one_time: published.one_time.take(),
            kem: published.kem.take().or_else(|| published.last_resort.clone()),
        }))
    }

    async fn totals(&self, low: u64) -> Result<PrekeyTotals, Fault> {
        let mut totals = PrekeyTotals::default();
        for count in self.state().prekeys.values().map(Published::count) {
            totals.left.signed += count.signed;
            totals.left.one_time += count.one_time;
            totals.left.kem += count.kem;
            totals.left.last_resort += count.last_resort;
            totals.users_low += u64::from(count.one_time < low);
            totals.users_exhausted += u64::from(count.one_time == 0);
        }
        Ok(totals)
    }
}

impl Published {
    fn count(&self) -> PrekeyCount {
        PrekeyCount {
            signed: 1,
            one_time: self.one_time.left.len() as u64,
            kem: self.kem.left.len() as u64,
            last_resort: u64::from(self.last_resort.is_some()),
        }
    }
}

impl<K: Clone> Pile<K> {
    /// The pile with these, and how many of them were new.
    fn with(
        &self,
        keys: &[K],
        id: impl Fn(&K) -> PrekeyId,
        max: u64,
    ) -> Result<(Self, u64), PutPrekeysError> {
        let new = unpublished(keys, &id, self.highest);
        let added = new.len() as u64;
        if self.left.len() as u64 + added > max {
            return Err(PutPrekeysError::TooMany);
        }
        let mut left = self.left.clone();
        let mut highest = self.highest;
        for key in new {
            highest = Some(id(key));
            left.insert(id(key), key.clone());
        }
        Ok((Self { left, highest }, added))
    }

    fn take(&mut self) -> Option<K> {
        self.left.pop_first().map(|(_, key)| key)
    }
}

impl<K> Default for Pile<K> {
    fn default() -> Self {
        Self { left: BTreeMap::new(), highest: None }
    }
}
