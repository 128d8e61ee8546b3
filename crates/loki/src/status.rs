//! Where every line is, at one instant.

use crate::metrics::{DropReason, PushStatus};
use std::time::SystemTime;

/// Where every line is, at one instant: `accepted` is `sent` and `queued` and all that was dropped,
/// what the log store refused among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Lines taken in, and those that were found in the spool at the start.
    pub accepted: u64,
    /// Lines the log store accepted.
    pub sent: u64,
    /// Lines that wait, on their way to the queue, in memory, in the spool, or in a push that has
    /// not been answered.
    pub queued: u64,
    /// Those of `queued` that have yet to come to the queue; 25 ms' worth and a little.
    pub arriving: u64,
    /// Those of `queued` that are in the spool, which a restart does not lose.
    pub spooled: u64,
    /// Bytes of lines in memory; those on their way to the queue are not among them.
    pub memory_bytes: u64,
    /// Bytes of the spool.
    pub spool_bytes: u64,
    /// Bytes of accepted pushes, after compression.
    pub sent_bytes: u64,
    /// Pushes tried again.
    pub retries: u64,
    /// When the oldest line that waits was logged.
    pub oldest: Option<SystemTime>,
    /// When a push was last accepted.
    pub last_success: Option<SystemTime>,
    /// What was wrong with the last push, until one is accepted.
    pub trouble: Option<String>,
    pub(crate) dropped: [u64; DropReason::ALL.len()],
    pub(crate) requests: [u64; PushStatus::ALL.len()],
}

impl Status {
    /// Lines given up for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Lines given up for any reason.
    pub fn dropped_in_all(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Pushes that ended so.
    pub fn requests(&self, status: PushStatus) -> u64 {
        self.requests[status as usize]
    }

    /// Whether every line is somewhere. It always is; tests and the console ask.
    pub fn is_balanced(&self) -> bool {
        self.accepted == self.sent + self.dropped_in_all() + self.queued
    }
}
