//! First requests that do not come in time: the HTTP library answers the connection with 408 itself,
//! below all that measures requests. It is counted here, when the connection ends.

use crate::metrics::{Endpoint, HttpMetrics, Status};
use campanile_metrics::CounterHandle;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// How much too early the library's timers may fire: it looks at the clock twice a second.
const EARLY: Duration = Duration::from_millis(500);

/// Waits for the first request of each connection.
#[derive(Clone, Debug)]
pub(crate) struct FirstRequests {
    timeouts: CounterHandle,
    patience: Duration,
}

/// The wait on one connection; part of the data that its requests share.
pub(crate) struct FirstRequest {
    waiter: FirstRequests,
    since: Instant,
    has_come: Cell<bool>,
}

impl FirstRequests {
    /// Waits so long, as the library does.
    pub(crate) fn new(metrics: &HttpMetrics, patience: Duration) -> Self {
        let timeouts = metrics.requests.handle(Endpoint::Unmatched, Status::RequestTimeout);
        Self { timeouts, patience }
    }

    /// A connection was made.
    pub(crate) fn wait(&self) -> FirstRequest {
        FirstRequest { waiter: self.clone(), since: Instant::now(), has_come: Cell::new(false) }
    }
}

impl FirstRequest {
    /// It is here, whatever it is.
    pub(super) fn has_come(&self) {
        self.has_come.set(true);
    }
}

impl Drop for FirstRequest {
    fn drop(&mut self) {
        // Whoever leaves before is not answered.
        if !self.has_come.get() && self.since.elapsed() + EARLY >= self.waiter.patience {
            self.waiter.timeouts.increment();
        }
    }
}
