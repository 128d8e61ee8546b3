//! Logs: one line for each thing worth telling, for machines or for people.

use crate::{
    config::{Log, LogFormat},
    ws::stamp,
};
use campanile_adapter_memory::SystemClock;
use campanile_core::port::Clock;
use campanile_loki::LokiLayer;
use campanile_metrics::{Registry, standard::LogLines};
use serde_json::Value;
use std::{
    fmt::{self, Write},
    io::{self, IsTerminal},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry as Spans,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::{Layered, SubscriberExt},
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

type Filtered = Layered<EnvFilter, Spans>;

/// What is not worth a line unless somebody asks: the HTTP library tells of each worker it starts,
/// the others of each connection that ships lines.
const QUIET: &str = "actix_server=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn";

/// Logs that have begun.
pub(crate) struct Logs {
    counted: reload::Handle<Option<LogLines>, Filtered>,
}

impl Logs {
    /// Begins to log, for the whole process. The level was checked with the settings.
    /// Lines go to Loki, too, where there is a layer for it.
    pub(crate) fn start(config: &Log, loki: Option<LokiLayer>) -> Self {
        let filter = EnvFilter::new(format!("{QUIET},{}", config.level));
        let (count, counted) = reload::Layer::new(None);
        let is_human = match config.format {
            LogFormat::Human => true,
            LogFormat::Json => false,
            LogFormat::Auto => io::stdout().is_terminal(),
        };
        let lines = if is_human {
            tracing_subscriber::fmt::layer().with_target(false).boxed()
        } else {
            let layer = tracing_subscriber::fmt::layer().with_ansi(false);
            layer.event_format(Json(SystemClock::new())).boxed()
        };
        let subscriber =
            tracing_subscriber::registry().with(filter).with(count).with(loki).with(lines);
        // Whoever has begun before goes on.
        let _begun_before = subscriber.try_init();
        Self { counted }
    }

    /// Counts lines from now on.
    pub(crate) fn count(&self, registry: &Registry) {
        let _ended = self.counted.reload(Some(LogLines::register(registry)));
    }
}

/// One object a line: `time`, `level`, `message`, the fields, `target`.
struct Json(SystemClock);

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Line::default();
        line.put("time", stamp(self.0.now()).to_string());
        line.put("level", metadata.level().as_str().to_ascii_lowercase());
        event.record(&mut line);
        line.put("target", metadata.target());
        writeln!(writer, "{{{}}}", line.0)
    }
}

/// The fields of a line, in the order in which they come.
#[derive(Default)]
struct Line(String);

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _memory_takes_it = write!(self.0, "{comma}{}:{}", Value::from(name), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whatever_is_logged_is_one_line_and_one_object() {
        let paper = Paper::default();
        let written = paper.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Json(SystemClock::new()))
            .with_writer(move || written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(user = %"a\nb\u{1b}[31m\u{202e}", count = 3, ok = true, "two\nlines");
        });
        let bytes = paper.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["level"], "warn");
        assert_eq!(line["message"], "two\nlines");
        assert_eq!(line["user"], "a\nb\u{1b}[31m\u{202e}");
        assert_eq!((&line["count"], &line["ok"]), (&3.into(), &true.into()));
        assert!(line["time"].as_str().expect("a time").ends_with('Z'));
        assert!(!text.contains('\u{1b}'), "control characters are escaped: {text:?}");
    }
}
