//! The allocator's figures, for whoever made it the program's.

use campanile_metrics::standard::AllocatorSizes;
use tikv_jemalloc_ctl::{epoch, stats};

/// What jemalloc holds; `None` where the program runs on another allocator.
pub(crate) fn sizes() -> Option<AllocatorSizes> {
    // The figures are of the last epoch, so a new one begins.
    epoch::advance().ok()?;
    let allocated = stats::allocated::read().ok()? as u64;
    let resident = stats::resident::read().ok()? as u64;
    Some(AllocatorSizes { allocated, resident })
}
