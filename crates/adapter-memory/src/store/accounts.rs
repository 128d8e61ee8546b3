//! Accounts and their sessions.

use super::MemoryStore;
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{AccountChange, AccountStore, CreateAccountError, Fault, NewAccount, SessionStore},
    time::Timestamp,
    user::{Account, Session, TokenHash},
};

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        let mut tables = self.lock();
        if tables.accounts.contains_key(&account.name) {
            return Err(CreateAccountError::Taken);
        }
        let account = Account {
            name: account.name,
            password: account.password,
            operator: account.operator || tables.accounts.is_empty(),
            banned: false,
            created_at: account.created_at,
            last_seen: None,
        };
        tables
            .accounts
            .insert(account.name.clone(), account.clone());
        Ok(account)
    }

    async fn find(&self, name: &UserName) -> Result<Option<Account>, Fault> {
        Ok(self.lock().accounts.get(name).cloned())
    }

    async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault> {
        let mut tables = self.lock();
        let Some(account) = tables.accounts.get_mut(name) else {
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
        let mut tables = self.lock();
        for (user, at) in seen {
            if let Some(account) = tables.accounts.get_mut(user) {
                account.last_seen = account.last_seen.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn count(&self) -> Result<u64, Fault> {
        Ok(self.lock().accounts.len() as u64)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn open(&self, session: Session) -> Result<(), Fault> {
        self.lock().sessions.insert(session.token, session);
        Ok(())
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault> {
        let tables = self.lock();
        let found = tables
            .sessions
            .get(&token)
            .filter(|session| session.expires_at > now);
        Ok(found.and_then(|session| {
            let account = tables.accounts.get(&session.user)?;
            (!account.banned).then(|| Session {
                operator: account.operator,
                ..session.clone()
            })
        }))
    }

    async fn end(&self, token: TokenHash) -> Result<bool, Fault> {
        Ok(self.lock().sessions.remove(&token).is_some())
    }

    async fn end_all(&self, user: &UserName) -> Result<u64, Fault> {
        let mut tables = self.lock();
        let before = tables.sessions.len();
        tables.sessions.retain(|_, session| session.user != *user);
        Ok((before - tables.sessions.len()) as u64)
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        let mut tables = self.lock();
        let before = tables.sessions.len();
        tables
            .sessions
            .retain(|_, session| session.expires_at > now);
        Ok((before - tables.sessions.len()) as u64)
    }
}
