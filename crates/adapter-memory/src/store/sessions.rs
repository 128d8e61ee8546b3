//! Sessions in memory.

use super::MemoryStore;
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, SessionStore},
    time::Timestamp,
    user::{Session, TokenHash},
};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn open(&self, session: Session) -> Result<(), Fault> {
        self.state().sessions.insert(session.token, session);
        Ok(())
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault> {
        let state = self.state();
        let session = state.sessions.get(&token);
        let session = session.filter(|session| session.expires_at > now);
        Ok(session.and_then(|session| {
            let account = state.accounts.get(&session.user)?;
            (!account.banned).then(|| Session { operator: account.operator, ..session.clone() })
        }))
    }

    async fn end(&self, token: TokenHash) -> Result<bool, Fault> {
        let mut state = self.state();
        let ended = state.sessions.remove(&token).is_some();
        state.forget_subscriptions();
        Ok(ended)
    }

    async fn end_all(&self, user: &UserName) -> Result<Vec<TokenHash>, Fault> {
        let mut state = self.state();
        let of_user = state.sessions.extract_if(|_, session| session.user == *user);
        let ended = of_user.map(|(token, _)| token).collect();
        state.forget_subscriptions();
        Ok(ended)
    }

    async fn ended(&self, tokens: &[TokenHash], now: Timestamp) -> Result<Vec<bool>, Fault> {
        let mut ended = Vec::with_capacity(tokens.len());
        for token in tokens {
            ended.push(self.find(*token, now).await?.is_none());
        }
        Ok(ended)
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        let mut state = self.state();
        let before = state.sessions.len();
        state.sessions.retain(|_, session| session.expires_at > now);
        state.forget_subscriptions();
        Ok((before - state.sessions.len()) as u64)
    }
}
