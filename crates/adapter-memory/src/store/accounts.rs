//! Accounts in memory.

use super::MemoryStore;
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{AccountChange, AccountStore, CreateAccountError, Fault, NewAccount},
    time::Timestamp,
    user::Account,
};

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create(&self, new: NewAccount) -> Result<Account, CreateAccountError> {
        let mut state = self.state();
        if new.invite.is_some_and(|invite| !state.lets_in(invite, new.created_at)) {
            return Err(CreateAccountError::NotInvited);
        }
        if state.accounts.contains_key(&new.name) {
            return Err(CreateAccountError::Taken);
        }
        if let Some(invite) = new.invite {
            state.take_use(invite);
        }
        let operator = new.operator || state.accounts.is_empty();
        let account = new.made(operator);
        state.accounts.insert(account.name.clone(), account.clone());
        Ok(account)
    }

    async fn find(&self, name: &UserName) -> Result<Option<Account>, Fault> {
        Ok(self.state().accounts.get(name).cloned())
    }

    async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault> {
        let mut state = self.state();
        let Some(account) = state.accounts.get_mut(name) else {
            return Ok(None);
        };
        match change {
            AccountChange::Password(password) => account.password = password,
            AccountChange::Operator(operator) => account.operator = operator,
            AccountChange::Banned(banned) => account.banned = banned,
        }
        Ok(Some(account.clone()))
    }

    async fn touch(&self, seen: &[(UserName, Timestamp)]) -> Result<(), Fault> {
        let mut state = self.state();
        for (name, at) in seen {
            if let Some(account) = state.accounts.get_mut(name) {
                account.last_seen = account.last_seen.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn count(&self) -> Result<u64, Fault> {
        Ok(self.state().accounts.len() as u64)
    }
}
