//! Accounts and sessions. Passwords are hashed and checked by the edge.

use super::Chat;
use crate::{
    event::{EndReason, EndedSessions, Signal},
    labels::{AuthRefusal, Mechanism},
    name::UserName,
    port::{AccountChange, CreateAccountError, Fault, NewAccount},
    user::{Account, Session, TokenHash},
};
use std::time::Duration;

/// Why a token was not believed.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// It is wrong, expired or revoked, or its user is banned.
    #[error("the session is not valid")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Chat {
    /// Makes an account; the first of all is an operator's.
    pub async fn register(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        self.ports.accounts.create(account).await
    }

    /// The account of this name.
    pub async fn account(&self, name: &UserName) -> Result<Option<Account>, Fault> {
        self.ports.accounts.find(name).await
    }

    /// Opens a session for a user who has proved to be one, for `lifetime`.
    pub async fn open_session(
        &self,
        account: &Account,
        token: TokenHash,
        lifetime: Duration,
    ) -> Result<Session, Fault> {
        let expires_at = self.clock().now().plus(lifetime);
        let user = account.name.clone();
        let session = Session { user, token, operator: account.operator, expires_at };
        self.ports.sessions.open(session.clone()).await?;
        Ok(session)
    }

    /// The session of a token.
    pub async fn authenticate(&self, token: TokenHash) -> Result<Session, AuthenticateError> {
        let started = self.clock().moment();
        let found = self.ports.sessions.find(token, self.clock().now()).await;
        let metrics = &self.metrics().auth;
        metrics.duration.observe(self.clock().moment().since(started), Mechanism::Token);
        match found {
            Ok(Some(session)) => {
                metrics.successes.increment(Mechanism::Token);
                Ok(session)
            }
            Ok(None) => {
                metrics.failures.increment(Mechanism::Token, AuthRefusal::BadCredentials);
                Err(AuthenticateError::Refused)
            }
            Err(fault) => {
                metrics.failures.increment(Mechanism::Token, AuthRefusal::BackendError);
                Err(fault.into())
            }
        }
    }

    /// Ends a session and closes its connections, on every node.
    pub async fn log_out(&self, token: TokenHash) -> Result<(), Fault> {
        self.ports.sessions.end(token).await?;
        self.tell(Signal::EndSessions(EndedSessions::Token(token), EndReason::LoggedOut)).await;
        Ok(())
    }

    /// Changes an account. A new password or a ban ends all sessions of the user.
    pub async fn change_account(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault> {
        let reason = match change {
            AccountChange::Password(_) => Some(EndReason::PasswordChanged),
            AccountChange::Banned(true) => Some(EndReason::Banned),
            AccountChange::Banned(false) | AccountChange::Operator(_) => None,
        };
        let account = self.ports.accounts.change(name, change).await?;
        if let (Some(account), Some(reason)) = (&account, reason) {
            self.ports.sessions.end_all(&account.name).await?;
            let ended = EndedSessions::User(account.name.clone());
            self.tell(Signal::EndSessions(ended, reason)).await;
        }
        Ok(account)
    }
}
