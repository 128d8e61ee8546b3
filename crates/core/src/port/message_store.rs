//! Messages and their history.

use super::Fault;
use crate::{
    message::{Amendment, Draft, Epoch, Message, Reaction, Sequence},
    name::{RoomName, UserName},
    room::{Role, RoomKind},
    time::Timestamp,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// Keeps messages in order.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Stores a draft as the next message of its room.
    ///
    /// Order: the sequence numbers of a room start at 1, rise by 1 and have no gap and no repeat,
    /// whoever appends at the same time. Atomicity: an error stored nothing. Durability: when this
    /// answers, the message survives the end of every process. Idempotence: a draft whose key was
    /// used by the same sender in the same room since `now - window` answers with the first
    /// message, `duplicate` set, and stores nothing; if retention has removed it, the answer is
    /// the draft with the first one's place and time. Membership is checked first, and in the same
    /// transaction.
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError>;

    /// A page of a room's messages in ascending order, with what a reader needs to go on.
    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError>;

    /// Changes a message. Who may do what is [`check_amendment`]. A deletion takes the body and
    /// the reactions away. A change that changes nothing succeeds and says so with `false`.
    async fn amend(
        &self,
        room: &RoomName,
        seq: Sequence,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError>;

    /// Removes messages stored longer ago than their room keeps them, at most `limit` in one call;
    /// how many. A room that does not say ([`Room::retention`](crate::room::Room::retention))
    /// keeps them for `kept`, for ever if that is `None`. A room loses its first messages only, so
    /// that what is kept has no gap. Numbers are not given again.
    async fn evict(
        &self,
        now: Timestamp,
        kept: Option<Duration>,
        limit: usize,
    ) -> Result<u64, Fault>;

    /// Where each of these rooms is now, in their order; `None` for a room that does not exist.
    /// What was committed before the call is in the answer.
    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Option<Head>>, Fault>;

    /// How much is kept.
    async fn size(&self) -> Result<Archive, Fault>;
}

/// What appending gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// The message as stored.
    pub message: Arc<Message>,
    /// The kind of its room.
    pub kind: RoomKind,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

/// Which part of a room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// The newest messages.
    Newest,
    /// The messages next below this one.
    Before(Sequence),
    /// The messages next above this one.
    After(Sequence),
}

/// A page of history.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Ascending, without gaps.
    pub messages: Vec<Arc<Message>>,
    /// Whether there is more beyond the page, in the direction it was asked for.
    pub has_more: bool,
    /// Which history this is.
    pub epoch: Epoch,
    /// The room's last message at the time of reading; 0 before the first. No message of the page
    /// is above it, and a message above it was not committed when the page was read.
    pub last_seq: Sequence,
    /// The first message still kept; 1 above `last_seq` when none is.
    pub first_seq: Sequence,
}

/// Where a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which history.
    pub epoch: Epoch,
    /// Its last message; 0 before the first.
    pub last_seq: Sequence,
    /// When a message of it was last changed, by the clock of whoever changed it; `None` before
    /// the first change.
    pub amended_at: Option<Timestamp>,
}

/// What the archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// Messages kept.
    pub messages: u64,
    /// Bytes they take in the store, indices included where the store can tell.
    pub bytes: u64,
}

/// Why a draft was not stored.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// The sender is no member of the room.
    #[error("the sender is no member of the room")]
    NotMember,
    /// It answers a message that is not there.
    #[error("the message it replies to is not there")]
    UnknownReply,
    /// The store failed, and nothing was stored, or it is not known whether it was: a retry with
    /// the same key finds out.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a page was not read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a message was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// There is no such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// There is no such message, or it was deleted.
    #[error("there is no such message")]
    UnknownMessage,
    /// Only others may do this.
    #[error("this user may not change the message so")]
    Forbidden,
    /// The message has as many kinds of reactions as it may have.
    #[error("the message has too many reactions")]
    TooManyReactions,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Whether `by`, whose role in the room this is, may change a message so: only members change
/// anything; the author edits; the author and owners delete; everyone reacts. A deleted message
/// takes no change but another deletion.
pub fn check_amendment(
    message: &Message,
    by: &UserName,
    role: Option<Role>,
    amendment: &Amendment,
) -> Result<(), AmendError> {
    let role = role.ok_or(AmendError::Forbidden)?;
    let author = message.from == *by;
    match amendment {
        Amendment::Delete if author || role == Role::Owner => Ok(()),
        _ if message.deleted => Err(AmendError::UnknownMessage),
        Amendment::Edit { .. } if author => Ok(()),
        Amendment::React { .. } => Ok(()),
        Amendment::Edit { .. } | Amendment::Delete => Err(AmendError::Forbidden),
    }
}

/// Who reacted with what, from single reactions in the order in which they were made.
pub fn group_reactions(reactions: impl IntoIterator<Item = (Arc<str>, UserName)>) -> Vec<Reaction> {
    let mut kinds: Vec<Reaction> = Vec::new();
    for (emoji, user) in reactions {
        match kinds.iter_mut().find(|kind| kind.emoji == emoji) {
            Some(kind) => kind.users.push(user),
            None => kinds.push(Reaction { emoji, users: vec![user] }),
        }
    }
    kinds
}
