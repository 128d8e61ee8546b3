//! What one connection counts about itself.

use crate::{
    logs::events,
    metrics::{ConnectionErrorType, ConnectionMetrics},
};
use campanile_core::{
    labels::{CloseReason, Transport},
    metrics::App,
    port::Clock,
    time::Moment,
};
use campanile_protocol::CloseCode;
use std::{sync::Arc, time::Duration};

/// An open connection, as it is counted: once when it opens and once when it ends, however it
/// ends.
pub(crate) struct Meter {
    metrics: Arc<ConnectionMetrics>,
    app: App,
    transport: Transport,
    clock: Arc<dyn Clock>,
    opened: Moment,
    reason: CloseReason,
}

impl Meter {
    /// Counts a connection as open.
    pub(crate) fn open(
        metrics: Arc<ConnectionMetrics>,
        (app, transport): (App, Transport),
        clock: Arc<dyn Clock>,
    ) -> Self {
        metrics.opened.increment(app, transport);
        events::ConnectionOpened { transport }.emit();
        let opened = clock.moment();
        Self { metrics, app, transport, clock, opened, reason: CloseReason::Other }
    }

    /// A pong came.
    pub(crate) fn pong(&self, round_trip: Duration) {
        self.metrics.ping_rtt.observe(round_trip, self.transport);
    }

    /// The network connection went without a word.
    pub(crate) fn lost(&self) {
        self.error(ConnectionErrorType::Reset);
    }

    /// The peer broke the protocol and is closed with this code.
    pub(crate) fn broken(&self, code: CloseCode) {
        self.error(match code {
            CloseCode::TooLarge => ConnectionErrorType::FrameTooLarge,
            _ => ConnectionErrorType::Protocol,
        });
    }

    /// The peer let a deadline pass.
    pub(crate) fn timed_out(&self) {
        self.error(ConnectionErrorType::Timeout);
    }

    /// Says why the connection ends; it is counted when this is dropped.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.reason = reason;
    }

    fn error(&self, error_type: ConnectionErrorType) {
        self.metrics.errors.increment(self.app, error_type);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let lived = self.clock.moment().since(self.opened);
        self.metrics.duration.observe(lived, self.transport);
        let Self { transport, reason, .. } = *self;
        self.metrics.closed.increment(transport, reason);
        events::ConnectionClosed { transport, reason, duration_ms: lived }.emit();
    }
}
