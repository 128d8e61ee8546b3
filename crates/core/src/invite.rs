//! An invitation: whoever has its code may make an account.

use crate::{name::UserName, time::Timestamp};
use std::fmt;

/// SHA-256 of an invitation's code: what the store keeps instead of the code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InviteHash(pub [u8; 32]);

impl fmt::Debug for InviteHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InviteHash(…)")
    }
}

/// An invitation that still lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The code by which it is known.
    pub hash: InviteHash,
    /// The operator who made it; `None` for one made on the command line.
    pub made_by: Option<UserName>,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it lets nobody in.
    pub expires_at: Timestamp,
    /// How many accounts may still be made with it; at least 1.
    pub uses_left: u32,
}
