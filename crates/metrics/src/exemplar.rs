//! Exemplars: for each bucket of a histogram, the trace of one observation that fell into it.

use std::fmt;
use std::time::Duration;

/// The id of a trace, as the W3C's recommendation on trace context has it: 16 bytes, not all 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

/// One observation, and the trace that it was a part of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// What was observed: durations in seconds, sizes in bytes.
    pub amount: f64,
    /// In which trace.
    pub trace: TraceId,
    /// When, since 1970-01-01T00:00:00Z.
    pub at: Duration,
}

/// Takes the exemplars of one series.
pub trait ExemplarFn: fmt::Debug + Send + Sync {
    /// Keeps this one instead of the last that fell into the same bucket.
    fn exemplify(&self, exemplar: Exemplar);
}

impl fmt::Display for TraceId {
    /// As 32 hexadecimal digits.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}
