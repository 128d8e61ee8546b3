//! What one connection counts about itself.

use crate::{
    logs::events,
    metrics::{ConnectionErrorType, ConnectionMetrics},
};
use campanile_core::{
    channel::AppId,
    labels::{CloseReason, Transport},
    metrics::{App, NATIVE_APP},
    port::Clock,
    time::Moment,
};
use campanile_protocol::CloseCode;
use std::{sync::Arc, time::Duration};

/// The application that a connection is counted for.
#[derive(Clone, Debug)]
pub struct CountedApp {
    /// As it is counted.
    pub label: App,
    /// Its identity; `None` for the native protocol, which is nobody's application.
    pub id: Option<AppId>,
}

impl CountedApp {
    /// What connections of the native protocol are counted for.
    pub fn native(label: App) -> Self {
        Self { label, id: None }
    }

    fn name(&self) -> &str {
        self.id.as_ref().map_or(NATIVE_APP, AppId::as_str)
    }
}

/// An open connection, as it is counted: once when it opens and once when it ends, however it
/// ends.
pub(crate) struct Meter {
    metrics: Arc<ConnectionMetrics>,
    app: CountedApp,
    transport: Transport,
    clock: Arc<dyn Clock>,
    opened: Moment,
    reason: CloseReason,
}

impl Meter {
    /// Counts a connection as open.
    pub(crate) fn open(
        metrics: Arc<ConnectionMetrics>,
        (app, transport): (CountedApp, Transport),
        clock: Arc<dyn Clock>,
    ) -> Self {
        metrics.opened.increment(app.label, transport);
        events::ConnectionOpened { app: app.name(), transport }.emit();
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
        self.metrics.errors.increment(self.app.label, error_type);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let lived = self.clock.moment().since(self.opened);
        self.metrics.duration.observe(lived, self.transport);
        let Self { ref app, transport, reason, .. } = *self;
        self.metrics.closed.increment(transport, reason);
        let app = app.name();
        events::ConnectionClosed { app, transport, reason, duration_ms: lived }.emit();
    }
}
