//! Read receipts.

use super::Fault;
use crate::{
    message::Sequence,
    name::{RoomName, UserName},
};
use async_trait::async_trait;

/// Keeps how far members have read. A receipt lost in a crash is given again by the next one, so
/// this need not be durable at once.
#[async_trait]
pub trait ReceiptStore: Send + Sync {
    /// Notes that a member has read up to `seq`. A mark never goes back and never passes the
    /// room's last message.
    async fn mark(&self, room: &RoomName, user: &UserName, seq: Sequence) -> Result<Marked, Fault>;

    /// How far members have read, those who have read nothing left out, by name.
    async fn receipts(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Vec<(UserName, Sequence)>, Fault>;
}

/// What became of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It is here now.
    Moved(Sequence),
    /// It was here already, or further.
    Stayed,
    /// The user is no member of such a room.
    NotMember,
}
