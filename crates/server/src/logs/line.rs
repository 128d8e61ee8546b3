//! A line of the log for machines: one object of JSON, whatever is in it.

use crate::ws::stamp;
use campanile_adapter_memory::SystemClock;
use campanile_core::port::Clock;
use campanile_loki::harmless;
use serde_json::Value;
use std::fmt::{self, Write};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Bytes of one field, at most, before they are written as JSON; what is longer is cut, in a line
/// that is shipped as well. Docker breaks lines of more than 16 KiB apart.
pub(crate) const FIELD_BYTES_MAX: usize = 2 * 1_024;

/// One object a line: `time`, `level`, `message`, the fields, `target`.
pub(super) struct Json(pub(super) SystemClock);

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
        let target = line.target.take();
        line.put("target", target.as_deref().unwrap_or(metadata.target()));
        writeln!(writer, "{}", harmless(format!("{{{}}}", line.text), FIELD_BYTES_MAX))
    }
}

/// The fields of a line, in the order in which they come.
#[derive(Default)]
struct Line {
    text: String,
    /// Where a library logged that knows nothing of tracing: the record says so in a field.
    target: Option<String>,
}

/// What begins the fields of such a record: its target, and places in the library's source.
const RECORD: &str = "log.";

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        let comma = if self.text.is_empty() { "" } else { "," };
        let _memory_takes_it = write!(self.text, "{comma}{}:{}", Value::from(name), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name().strip_prefix(RECORD) {
            None => self.put(field.name(), value),
            Some("target") => self.target = Some(value.to_owned()),
            Some(_) => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !field.name().starts_with(RECORD) {
            self.put(field.name(), value);
        }
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
    use crate::logs::testing::written;

    const NASTY: &str = "a\nb\r\0\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\\\"ä👍";

    #[test]
    fn whatever_is_logged_is_one_line_and_one_object() {
        let text = written("trace", || {
            tracing::warn!(user = %NASTY, count = 3, ok = true, "two\nlines");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["level"], "warn");
        assert_eq!(line["message"], "two\nlines");
        assert_eq!(line["user"], NASTY);
        assert_eq!((&line["count"], &line["ok"]), (&3.into(), &true.into()));
        assert!(line["time"].as_str().expect("a time").ends_with('Z'));
        let steers = |one: char| one.is_control() || matches!(one, '\u{2028}'..='\u{202e}');
        assert!(!text.trim_end().chars().any(steers), "what steers is escaped: {text:?}");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let text = written("trace", || tracing::warn!(user = %"ä".repeat(10_000), "long"));
        let cut: Value = serde_json::from_str(&text).expect("JSON");
        let user = cut["user"].as_str().expect("text");
        assert_eq!(user.trim_end_matches('…').len(), FIELD_BYTES_MAX);
    }
}
