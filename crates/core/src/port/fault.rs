//! What goes wrong behind a port through no fault of the request.

use std::{error::Error, fmt, sync::Arc};

/// The neighbour behind the port failed: the same request may succeed later.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What kind of failure it was; decides how it is counted.
    pub kind: FaultKind,
    /// The driver's own error.
    pub source: Arc<dyn Error + Send + Sync>,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It took too long.
    Timeout,
    /// The neighbour cannot be reached, or has stopped.
    Connection,
    /// No connection was free in time.
    PoolExhausted,
    /// A rule of the database was broken that the port does not speak of.
    Constraint,
    /// It collided with others and may be tried again at once.
    Serialization,
    /// What was read makes no sense.
    Corrupt,
    /// Anything else, a full disk among them.
    Other,
}

impl Fault {
    /// A failure of this kind with the driver's error.
    pub fn new(kind: FaultKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into().into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "storage failed: {}", self.source)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
