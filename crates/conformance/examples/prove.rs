//! Proves a presence store that was written in a minute.

use async_trait::async_trait;
use campanile_conformance::presence_store;
use campanile_core::{
    name::UserName,
    port::{ConnectionId, Fault, PresenceChange, PresenceStore, combine_statuses},
    user::Status,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Everything that connections said, in one table.
#[derive(Default)]
struct Said(Mutex<BTreeMap<(UserName, ConnectionId), Status>>);

impl Said {
    fn change(&self, user: &UserName, id: ConnectionId, status: Option<Status>) -> PresenceChange {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = |said: &BTreeMap<(UserName, ConnectionId), Status>| -> Vec<Status> {
            said.iter().filter(|((of, _), _)| of == user).map(|(_, status)| *status).collect()
        };
        let before = combine_statuses(now(&said));
        match status {
            Some(status) => said.insert((user.clone(), id), status),
            None => said.remove(&(user.clone(), id)),
        };
        let after = now(&said);
        PresenceChange { before, connections: after.len(), after: combine_statuses(after) }
    }
}

#[async_trait]
impl PresenceStore for Said {
    async fn put(
        &self,
        user: &UserName,
        id: ConnectionId,
        status: Status,
    ) -> Result<PresenceChange, Fault> {
        Ok(self.change(user, id, Some(status)))
    }

    async fn remove(&self, user: &UserName, id: ConnectionId) -> Result<PresenceChange, Fault> {
        Ok(self.change(user, id, None))
    }

    async fn statuses(&self, users: &[UserName]) -> Result<Vec<Status>, Fault> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |user: &UserName| {
            let own = said.iter().filter(|((of, _), _)| of == user);
            combine_statuses(own.map(|(_, status)| *status))
        };
        Ok(users.iter().map(status).collect())
    }

    async fn connections(&self, users: &[UserName]) -> Result<Vec<usize>, Fault> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |user: &UserName| said.keys().filter(|(of, _)| of == user).count();
        Ok(users.iter().map(own).collect())
    }

    async fn users_online(&self) -> Result<u64, Fault> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut users: Vec<&UserName> = said.keys().map(|(user, _)| user).collect();
        users.dedup();
        Ok(users.len() as u64)
    }

    async fn reconcile(&self) -> Result<Vec<(UserName, Status)>, Fault> {
        Ok(Vec::new())
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() {
    presence_store(async || Arc::new(Said::default()) as Arc<dyn PresenceStore>).await;
    println!("it keeps every promise");
}
