//! A room: what it is and who belongs to it.

use crate::{
    message::{Epoch, Sequence},
    name::{DIRECT_PREFIX, RoomName, UserName},
    time::Timestamp,
};
use std::time::Duration;

/// Who may find and enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Listed for everyone; anyone may join.
    Public,
    /// Seen by members only; owners invite.
    Private,
    /// Between two users; nobody joins or leaves.
    Direct,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Invites, removes, changes and deletes.
    Owner,
    /// Speaks.
    Member,
}

/// A room as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// Its kind, for life.
    pub kind: RoomKind,
    /// What it is about; empty for none.
    pub topic: String,
    /// How long its messages are kept, in whole seconds; `None` for as long as the server keeps
    /// those of other rooms.
    pub retention: Option<Duration>,
    /// How many members it has.
    pub members: u64,
    /// The sequence number of its last message; 0 before the first.
    pub last_seq: Sequence,
    /// Which history the numbers belong to.
    pub epoch: Epoch,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserName,
    /// As what.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// The last message this member has read; 0 for none.
    pub read_seq: Sequence,
    /// When this user's last connection ended; `None` before the first did.
    pub last_seen: Option<Timestamp>,
}

/// The one name of the direct room between two users, whichever of them asks.
///
/// Two names of 64 characters do not fit into one, so long pairs are folded by `digest`, which
/// must give at least 32 characters of `[0-9a-f]` for the bytes it is given.
pub fn direct_room_name(one: &UserName, other: &UserName, digest: fn(&[u8]) -> String) -> RoomName {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    // A slash is in no name, so two different pairs never make the same text.
    let folded = digest(format!("{first}/{second}").as_bytes());
    let name = format!("{DIRECT_PREFIX}{}", &folded[..32]);
    RoomName::parse(&name).expect("a prefix and 32 hexadecimal digits are a name")
}
