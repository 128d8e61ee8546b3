//! Accounts.

use super::Fault;
use crate::{
    invite::InviteHash,
    name::UserName,
    time::Timestamp,
    user::{Account, PasswordHash},
};
use async_trait::async_trait;

/// Keeps accounts.
///
/// Each call is atomic and durable: what it answered holds after a crash.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Makes an account. The first account of an empty store is an operator's, and of many made
    /// at once exactly one is first.
    ///
    /// Where it names an invitation, one of its uses is gone once the account is made, and with the
    /// last the invitation; however many ask at once, it lets in no more. Who is not invited is not
    /// told whether the name is taken.
    async fn create(&self, account: NewAccount) -> Result<Account, CreateAccountError>;

    /// The account of this name, if there is one.
    async fn find(&self, name: &UserName) -> Result<Option<Account>, Fault>;

    /// Changes an account and answers with what it is now; `None` when there is none.
    async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault>;

    /// Notes when these users were last seen. A time earlier than the one known changes nothing;
    /// unknown users are passed over.
    async fn touch(&self, seen: &[(UserName, Timestamp)]) -> Result<(), Fault>;

    /// How many accounts there are.
    async fn count(&self) -> Result<u64, Fault>;
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its name.
    pub name: UserName,
    /// Its password's hash.
    pub password: PasswordHash,
    /// Whether it is an operator's even if it is not the first.
    pub operator: bool,
    /// When it is made.
    pub created_at: Timestamp,
    /// The invitation that it takes; `None` where none is asked for.
    pub invite: Option<InviteHash>,
}

impl NewAccount {
    /// The account that it becomes, an operator's or not.
    pub fn made(self, operator: bool) -> Account {
        Account {
            name: self.name,
            password: self.password,
            operator,
            banned: false,
            created_at: self.created_at,
            last_seen: None,
        }
    }
}

/// A change to an account.
#[derive(Clone, Debug)]
pub enum AccountChange {
    /// A new password, hashed.
    Password(PasswordHash),
    /// An operator, or no longer.
    Operator(bool),
    /// Banned, or no longer.
    Banned(bool),
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// There is no such invitation, or it has expired.
    #[error("there is no such invitation, or no longer")]
    NotInvited,
    /// Somebody has this name.
    #[error("the name is taken")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
