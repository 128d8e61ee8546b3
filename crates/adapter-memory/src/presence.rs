//! Presence in memory.

use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{ConnectionId, Fault, PresenceChange, PresenceStore},
    user::Status,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

/// Which connections say what, for one process.
#[derive(Debug, Default)]
pub struct MemoryPresence {
    users: Mutex<HashMap<UserName, HashMap<ConnectionId, Status>>>,
}

impl MemoryPresence {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserName, HashMap<ConnectionId, Status>>> {
        self.users.lock().expect("no holder of this lock panics")
    }
}

#[async_trait]
impl PresenceStore for MemoryPresence {
    async fn put(
        &self,
        user: &UserName,
        connection: ConnectionId,
        status: Status,
    ) -> Result<PresenceChange, Fault> {
        let mut users = self.lock();
        let connections = users.entry(user.clone()).or_default();
        let before = combined(connections);
        connections.insert(connection, status);
        Ok(PresenceChange {
            before,
            after: combined(connections),
            connections: connections.len(),
        })
    }

    async fn remove(
        &self,
        user: &UserName,
        connection: ConnectionId,
    ) -> Result<PresenceChange, Fault> {
        let mut users = self.lock();
        let Some(connections) = users.get_mut(user) else {
            let gone = Status::Unavailable;
            return Ok(PresenceChange {
                before: gone,
                after: gone,
                connections: 0,
            });
        };
        let before = combined(connections);
        connections.remove(&connection);
        let after = combined(connections);
        let left = connections.len();
        if left == 0 {
            users.remove(user);
        }
        Ok(PresenceChange {
            before,
            after,
            connections: left,
        })
    }

    async fn statuses(&self, asked: &[UserName]) -> Result<Vec<Status>, Fault> {
        let users = self.lock();
        let status = |user| users.get(user).map_or(Status::Unavailable, combined);
        Ok(asked.iter().map(status).collect())
    }

    async fn users_online(&self) -> Result<u64, Fault> {
        Ok(self.lock().len() as u64)
    }
}

/// The most reachable of what a user's connections say.
fn combined(connections: &HashMap<ConnectionId, Status>) -> Status {
    let reach = |status: &Status| match status {
        Status::Available => 3,
        Status::Away => 2,
        Status::DoNotDisturb => 1,
        Status::Unavailable => 0,
    };
    connections
        .values()
        .copied()
        .max_by_key(reach)
        .unwrap_or(Status::Unavailable)
}
