//! How many lines the program logs, by level.

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::registry::Registry;

crate::labels! {
    /// How grave a log line is.
    pub enum LogLevel("level") {
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
        Trace = "trace",
    }
}

crate::catalogue! {
    /// What the program logs.
    pub struct LogMetrics {
        /// Log lines the program wrote.
        counter lines(LogLevel) = "chat_log_lines_total";
    }
}

/// A layer that counts each event it is given. Put it beside the layer that writes, with
/// the same filter.
#[derive(Clone, Debug)]
pub struct LogLines(LogMetrics);

impl LogLines {
    /// Registers the metric.
    pub fn register(registry: &Registry) -> Self {
        Self(LogMetrics::register(registry))
    }
}

impl<S: Subscriber> Layer<S> for LogLines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => LogLevel::Trace,
        };
        self.0.lines.increment(level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn lines_that_pass_the_filter_are_counted_by_level() {
        let recording = Recording::new();
        let layer = LogLines::register(recording.registry()).with_filter(LevelFilter::INFO);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::error!("bad");
            tracing::info!("fine");
            tracing::info!("fine");
            tracing::debug!("detail");
        });
        let lines = |level| recording.probe().value("chat_log_lines_total", &[("level", level)]);
        assert_eq!(
            ["error", "warn", "info", "debug"].map(lines),
            [Some(1.0), Some(0.0), Some(2.0), Some(0.0)]
        );
    }
}
