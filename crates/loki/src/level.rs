//! What waits in the queue, in numbers.

use std::{
    ops::{AddAssign, SubAssign},
    time::SystemTime,
};

/// What waits in the queue. Adding up leaves `oldest` alone.
#[derive(Clone, Copy, Default)]
pub(crate) struct Level {
    pub(crate) lines: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) spool_bytes: u64,
    pub(crate) spooled: u64,
    pub(crate) oldest: Option<SystemTime>,
}

impl AddAssign for Level {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.memory_bytes += other.memory_bytes;
        self.spool_bytes += other.spool_bytes;
        self.spooled += other.spooled;
    }
}

impl SubAssign for Level {
    fn sub_assign(&mut self, other: Self) {
        self.lines -= other.lines;
        self.memory_bytes -= other.memory_bytes;
        self.spool_bytes -= other.spool_bytes;
        self.spooled -= other.spooled;
    }
}
