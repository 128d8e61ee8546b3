//! Numbers that are read rather than counted: pools, processes, tables of rooms.

use std::num::NonZeroU32;

/// Reads something and sets its gauges. Runs before each exposition, or every few seconds.
///
/// It should be quick and must not block on anything that a client can hold up.
pub trait Collector: Send + Sync {
    /// Reads now.
    fn collect(&self);
}

impl<F: Fn() + Send + Sync> Collector for F {
    fn collect(&self) {
        self();
    }
}

/// When collectors run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatisticsInterval {
    /// Before each exposition: right for one scraper.
    #[default]
    Manual,
    /// In the background, every so many seconds: right for several scrapers.
    Seconds(NonZeroU32),
}
