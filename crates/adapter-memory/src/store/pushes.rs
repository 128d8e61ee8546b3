//! Subscriptions to pushes in memory.

use super::{MemoryStore, State};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PushStore},
    push::{PushEndpoint, PushSubscription},
    time::Timestamp,
    user::TokenHash,
};

/// A subscription, and the session it belongs to.
#[derive(Debug)]
pub(super) struct Subscribed {
    pub(super) token: TokenHash,
    subscription: PushSubscription,
    put_at: Timestamp,
}

#[async_trait]
impl PushStore for MemoryStore {
    async fn put(
        &self,
        token: TokenHash,
        subscription: PushSubscription,
        now: Timestamp,
        each_max: u64,
    ) -> Result<bool, Fault> {
        let mut state = self.state();
        let session = state.sessions.get(&token).filter(|session| session.expires_at > now);
        let Some(user) = session.map(|session| session.user.clone()) else {
            return Ok(false);
        };
        state.pushes.retain(|one| one.subscription.endpoint != subscription.endpoint);
        let each_max = usize::try_from(each_max).unwrap_or(usize::MAX);
        let mut others = state.places_of(&user);
        others.sort_by_key(|place| {
            let one = &state.pushes[*place];
            (one.put_at, one.subscription.endpoint.clone())
        });
        let too_many = (others.len() + 1).saturating_sub(each_max);
        let mut gone: Vec<usize> = others.into_iter().take(too_many).collect();
        gone.sort_unstable();
        for place in gone.into_iter().rev() {
            state.pushes.remove(place);
        }
        state.pushes.push(Subscribed { token, subscription, put_at: now });
        Ok(true)
    }

    async fn remove(&self, user: &UserName, endpoint: &PushEndpoint) -> Result<bool, Fault> {
        let mut state = self.state();
        let places = state.places_of(user);
        let found = places
            .into_iter()
            .find(|place| state.pushes[*place].subscription.endpoint == *endpoint);
        Ok(found.map(|place| state.pushes.remove(place)).is_some())
    }

    async fn of(&self, user: &UserName, now: Timestamp) -> Result<Vec<PushSubscription>, Fault> {
        let state = self.state();
        let is_good = |place: &usize| {
            let session = state.sessions.get(&state.pushes[*place].token);
            session.is_some_and(|session| session.expires_at > now)
        };
        let places = state.places_of(user).into_iter().filter(is_good);
        let mut found: Vec<&Subscribed> = places.map(|place| &state.pushes[place]).collect();
        found.sort_by_key(|one| (one.put_at, one.subscription.endpoint.clone()));
        Ok(found.into_iter().map(|one| one.subscription.clone()).collect())
    }

    async fn count(&self) -> Result<u64, Fault> {
        Ok(self.state().pushes.len() as u64)
    }
}

impl State {
    fn places_of(&self, user: &UserName) -> Vec<usize> {
        let is_of = |one: &Subscribed| {
            self.sessions.get(&one.token).is_some_and(|session| session.user == *user)
        };
        let places = self.pushes.iter().enumerate();
        places.filter(|(_, one)| is_of(one)).map(|(place, _)| place).collect()
    }

    /// Forgets the subscriptions of sessions that are no more.
    pub(super) fn forget_subscriptions(&mut self) {
        let Self { pushes, sessions, .. } = self;
        pushes.retain(|one| sessions.contains_key(&one.token));
    }
}
