//! Numbers that are read rather than counted: pools, processes, tables of rooms.

use std::num::NonZeroU32;
use std::str::FromStr;

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

/// A statistics interval that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("statistics interval {given:?} is neither \"manual\" nor a number of seconds from 1")]
pub struct IntervalError {
    /// What was given.
    pub given: String,
}

impl FromStr for StatisticsInterval {
    type Err = IntervalError;

    fn from_str(given: &str) -> Result<Self, IntervalError> {
        match given {
            "manual" => Ok(Self::Manual),
            seconds => seconds
                .parse()
                .map(Self::Seconds)
                .map_err(|_| IntervalError { given: given.to_owned() }),
        }
    }
}

impl std::fmt::Display for StatisticsInterval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Manual => f.write_str("manual"),
            Self::Seconds(seconds) => seconds.fmt(f),
        }
    }
}
