//! Whether Redis is there for this node: both connections are needed.

use campanile_core::instrumented::{BusMetrics, Driver};
use campanile_metrics::GaugeHandle;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether both connections are established.
#[derive(Debug)]
pub(crate) struct Health {
    link: AtomicBool,
    subscription: AtomicBool,
    up: GaugeHandle,
}

impl Health {
    pub(crate) fn new(metrics: &BusMetrics, driver: Driver) -> Self {
        let up = metrics.up.handle(driver);
        Self { link: AtomicBool::new(false), subscription: AtomicBool::new(false), up }
    }

    pub(crate) fn set_link(&self, is_up: bool) {
        self.link.store(is_up, Ordering::SeqCst);
        self.show();
    }

    pub(crate) fn set_subscription(&self, is_up: bool) {
        self.subscription.store(is_up, Ordering::SeqCst);
        self.show();
    }

    pub(crate) fn is_up(&self) -> bool {
        self.link.load(Ordering::SeqCst) && self.subscription.load(Ordering::SeqCst)
    }

    fn show(&self) {
        self.up.set(u64::from(self.is_up()));
    }
}
