//! A user: the account, its sessions, and whether it is there.

use crate::{name::UserName, time::Timestamp};
use std::fmt;

/// An account as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub name: UserName,
    /// How the password is checked.
    pub password: PasswordHash,
    /// May see `/console` and its statistics, and administer users.
    pub operator: bool,
    /// May not log in.
    pub banned: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last connection ended; `None` before the first did.
    pub last_seen: Option<Timestamp>,
}

/// A password's hash in PHC string format; opaque here and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

/// SHA-256 of a session's token: what the store keeps instead of the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

/// A logged-in session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user: UserName,
    /// The token by which it is known.
    pub token: TokenHash,
    /// Whether the user is an operator.
    pub operator: bool,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Whether a user is there, as the user or the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Connected and reachable.
    Available,
    /// Connected, not looking.
    Away,
    /// Connected, not to be disturbed.
    DoNotDisturb,
    /// Not connected, or hiding.
    Unavailable,
}

/// A user's presence as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whose it is.
    pub user: UserName,
    /// What it is.
    pub status: Status,
    /// When the last connection ended, where the user is not connected.
    pub last_seen: Option<Timestamp>,
}
