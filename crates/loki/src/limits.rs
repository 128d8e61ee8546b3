//! Bounds that no setting changes.

use std::time::Duration;

/// How many of tracing-loki's channels stand side by side. One holds 512 lines, which is 5 ms at
/// 100 000 lines a second; on a busy machine the shipper's thread may wait for a processor for
/// longer than that. All together hold 320 ms.
pub(crate) const LANES: usize = 64;

/// Lines in one lane. Its channel has room for 512; the rest is for what is not asked: the mark
/// that ends it and tracing-loki's own events.
pub(crate) const LANE_LINES_MAX: u64 = 500;

/// Lines between the layer and the queue, in all lanes and requests to the relay.
pub(crate) const PIPE_LINES_MAX: u64 = 65_536;
const _: () = assert!(LANES as u64 * LANE_LINES_MAX <= PIPE_LINES_MAX);

/// How long whoever logs a warning or an error waits for room. Nobody waits for anything else, and
/// once somebody has waited in vain nobody does until there was room again.
pub(crate) const PATIENCE: Duration = Duration::from_millis(5);

/// Bytes of a refusal that are read and told.
pub(crate) const REASON_BYTES_MAX: usize = 512;

/// How often metrics follow by themselves; a registry that collects makes them follow at once.
pub(crate) const METRICS_EVERY: Duration = Duration::from_secs(1);

/// How long lines gather in a lane before tracing-loki sees them. The first of them wakes the
/// shipper's thread, which is most of what a line costs where few are logged; so long they may be
/// lost when the process is killed.
pub(crate) const GATHER: Duration = Duration::from_millis(25);

/// How often a lane is looked at although nothing woke it.
pub(crate) const PIPE_TICK: Duration = Duration::from_secs(1);

/// How long after its deadline a flush waits for the shipper's thread to say that it has ended.
pub(crate) const FLUSH_GRACE: Duration = Duration::from_millis(250);

/// How long the relay waits when the system has no more connections for it.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
