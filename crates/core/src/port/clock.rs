//! The clock.

use crate::time::{Moment, Timestamp};

/// Tells the time. The world's clock may jump; the monotonic one never goes back.
pub trait Clock: Send + Sync {
    /// The world's time.
    fn now(&self) -> Timestamp;

    /// The time since a fixed point of this process's life.
    fn moment(&self) -> Moment;
}
