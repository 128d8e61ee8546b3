//! The wall clock, which stands on every line and in the metrics.

use std::time::SystemTime;

/// Now.
#[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
