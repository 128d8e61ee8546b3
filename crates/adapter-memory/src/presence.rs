//! Presence in memory.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{ConnectionId, Fault, PresenceChange, PresenceStore, combine_statuses},
    user::Status,
};
use std::{collections::HashMap, sync::Mutex};

/// Which connections say what, for one process. Bounded by the connections there are.
#[derive(Debug, Default)]
pub struct MemoryPresence {
    users: Mutex<HashMap<UserName, Said>>,
}

/// What the connections of one user say: a handful.
#[derive(Debug, Default)]
struct Said(Vec<(ConnectionId, Status)>);

#[async_trait]
impl PresenceStore for MemoryPresence {
    async fn put(
        &self,
        user: &UserName,
        connection: ConnectionId,
        status: Status,
    ) -> Result<PresenceChange, Fault> {
        let mut users = lock(&self.users);
        let said = users.entry(user.clone()).or_default();
        Ok(said.change(|said| {
            said.retain(|(known, _)| *known != connection);
            said.push((connection, status));
        }))
    }

    async fn remove(
        &self,
        user: &UserName,
        connection: ConnectionId,
    ) -> Result<PresenceChange, Fault> {
        let mut users = lock(&self.users);
        let said = users.entry(user.clone()).or_default();
        let change = said.change(|said| said.retain(|(known, _)| *known != connection));
        if change.connections == 0 {
            users.remove(user);
        }
        Ok(change)
    }

    async fn statuses(&self, users: &[UserName]) -> Result<Vec<Status>, Fault> {
        let known = lock(&self.users);
        let status = |user| known.get(user).map_or(Status::Unavailable, Said::status);
        Ok(users.iter().map(status).collect())
    }

    async fn connections(&self, users: &[UserName]) -> Result<Vec<usize>, Fault> {
        let known = lock(&self.users);
        let connections = |user| known.get(user).map_or(0, |said: &Said| said.0.len());
        Ok(users.iter().map(connections).collect())
    }

    async fn users_online(&self) -> Result<u64, Fault> {
        Ok(lock(&self.users).len() as u64)
    }

    async fn reconcile(&self) -> Result<Vec<(UserName, Status)>, Fault> {
        // Nobody else writes here.
        Ok(Vec::new())
    }
}

impl Said {
    fn status(&self) -> Status {
        combine_statuses(self.0.iter().map(|(_, status)| *status))
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<(ConnectionId, Status)>)) -> PresenceChange {
        let before = self.status();
        change(&mut self.0);
        PresenceChange { before, after: self.status(), connections: self.0.len() }
    }
}
