//! What was asked over a connection and is not answered yet.

use campanile_protocol::Since;
use tokio::time::Instant;

use super::talker::Saying;

/// A request that waits for its answer.
pub(super) struct Asked {
    pub(super) at: Instant,
    pub(super) what: What,
}

/// What it was for.
pub(super) enum What {
    Hello,
    /// To enter a room, going on from a place where there is one.
    Join(usize, Option<Since>),
    Leave,
    Say(Saying),
    /// To read the history because messages of it are owed.
    Read(usize),
    /// Something whose answer says nothing but that it was done.
    Deed,
}
