//! Writes to a connection without waking its body, while that has nothing on its way.

use super::{stream::Bypass, wire::Wire};
use campanile_core::fanout::DirectWriter;
use campanile_metrics::BatchedCounter;
use std::rc::Rc;

/// The way past the body, with what the body does for each frame.
pub(super) struct Direct {
    pub(super) bypass: Bypass,
    pub(super) wire: Rc<Wire>,
    pub(super) sent: Rc<BatchedCounter>,
}

impl DirectWriter for Direct {
    fn write(&self, bytes: &[u8], waiting: usize) -> usize {
        let written = self.bypass.write(bytes);
        if written > 0 {
            self.sent.add(written as u64);
            self.wire.taken(|| waiting - written);
        }
        written
    }
}
