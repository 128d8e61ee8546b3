//! What only the driver sees: the pool, the queue, the schema.

use campanile_core::instrumented::{DriverMetrics, StoreDriver};
use campanile_metrics::Registry;

/// What is measured here, and under which name.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) metrics: DriverMetrics,
    pub(crate) driver: StoreDriver,
}

impl Measured {
    pub(crate) fn register(registry: &Registry) -> Self {
        let driver = registry.add_label("sqlite");
        Self { metrics: DriverMetrics::register(registry), driver }
    }
}
