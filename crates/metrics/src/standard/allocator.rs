//! What the program holds from its allocator, and the allocator from the system.

use crate::registry::Registry;

crate::catalogue! {
    /// What the allocator holds.
    pub struct AllocatorMetrics {
        /// Bytes the program holds from its allocator.
        gauge allocated() = "chat_allocator_allocated_bytes" [Bytes];
        /// Bytes the allocator holds from the system.
        gauge resident() = "chat_allocator_resident_bytes" [Bytes];
    }
}

/// What an allocator tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocatorSizes {
    /// Bytes the program holds from it.
    pub allocated: u64,
    /// Bytes it holds from the system.
    pub resident: u64,
}

impl AllocatorMetrics {
    /// Registers these and asks the allocator, which only the program knows, whenever
    /// collectors run. What it cannot tell keeps its last value.
    pub fn install(
        registry: &Registry,
        read: impl Fn() -> Option<AllocatorSizes> + Send + Sync + 'static,
    ) {
        let metrics = Self::register(registry);
        registry.add_collector(move || {
            if let Some(sizes) = read() {
                metrics.allocated.set(sizes.allocated);
                metrics.resident.set(sizes.resident);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;

    #[test]
    fn what_the_allocator_tells_is_shown() {
        let recording = Recording::new();
        AllocatorMetrics::install(recording.registry(), || {
            Some(AllocatorSizes { allocated: 10, resident: 20 })
        });
        assert_eq!(recording.probe().value("chat_allocator_allocated_bytes", &[]), Some(10.0));
        assert_eq!(recording.probe().value("chat_allocator_resident_bytes", &[]), Some(20.0));
    }
}
