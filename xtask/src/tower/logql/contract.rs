//! The contract of the log: labels, fields and events, as `docs/logs.md` tells of them. It is written
//! from the server's list of events, and a test proves it fresh.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

/// The reference of the log.
pub(crate) const LOGS: &str = "docs/logs.md";

/// What may be in lines, and which lines there are.
#[derive(Debug)]
pub(crate) struct LogContract {
    /// Those of streams.
    pub(crate) labels: BTreeSet<String>,
    /// Those that are in some line.
    pub(crate) fields: BTreeSet<String>,
    /// Those that are in lines of any event.
    pub(crate) common: BTreeSet<String>,
    /// The events of the server.
    pub(crate) events: BTreeMap<String, LogEvent>,
    /// Messages of lines of other parts, which are no events.
    pub(crate) messages: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct LogEvent {
    pub(crate) level: String,
    pub(crate) message: String,
    /// Its own, beside those of any event.
    pub(crate) fields: BTreeSet<String>,
    /// Fields that are the same in each line.
    pub(crate) constants: BTreeMap<String, String>,
}

impl LogContract {
    /// Reads the text of the reference.
    ///
    /// # Errors
    ///
    /// When one of its tables is not there, or is empty: nothing could be held against it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let labels = table(text, "| label |")?.iter().flat_map(|row| names(row[0])).collect();
        let (mut fields, mut common) = (BTreeSet::new(), BTreeSet::new());
        for row in table(text, "| field |")? {
            fields.extend(names(row[0]));
            if row[1].starts_with("all") {
                common.extend(names(row[0]));
            }
        }
        common.extend(names(introduction(text, "## Events")));
        fields.extend(common.iter().cloned());
        let mut events = BTreeMap::new();
        for row in table(text, "| `event` | level |")? {
            let event = LogEvent::of(row[1], row[2], row[3]);
            fields.extend(event.fields.iter().cloned());
            let name = names(row[0]).next().context("an event has no name")?;
            events.insert(name, event);
        }
        let mut messages = BTreeSet::new();
        for row in table(text, "| target |")? {
            messages.insert(row[2].to_owned());
            fields.extend(names(row[3]));
        }
        Ok(Self { labels, fields, common, events, messages })
    }

    /// The levels of all lines.
    pub(crate) fn is_level(level: &str) -> bool {
        ["error", "warn", "info", "debug", "trace"].contains(&level)
    }

    /// Whether a field has the same value in each line of some event, and if so, whether this one.
    pub(crate) fn may_be(&self, field: &str, value: &str) -> bool {
        let mut values = self.events.values().filter_map(|event| event.constants.get(field));
        values.clone().next().is_none() || values.any(|constant| constant == value)
    }

    /// Whether the text stands in some line, whatever happens: in a message, a name or a value.
    pub(crate) fn is_told(&self, text: &str) -> bool {
        let events = self.events.iter();
        let mut of_events = events.flat_map(|(name, event)| {
            let constants = event.constants.values();
            [name, &event.message].into_iter().chain(constants)
        });
        let mut others = self.messages.iter().chain(&self.fields);
        of_events.any(|told| told.contains(text)) || others.any(|told| told.contains(text))
    }
}

impl LogEvent {
    /// `fields` are as the reference lists them: `` `a`=`b`, `c`, `count`, bounded by `c` ``.
    fn of(level: &str, message: &str, fields: &str) -> Self {
        let (fields, _) = fields.split_once(", bounded by").unwrap_or((fields, ""));
        let mut event = Self {
            level: level.to_owned(),
            message: message.to_owned(),
            fields: BTreeSet::new(),
            constants: BTreeMap::new(),
        };
        for field in fields.split(", ").filter(|field| !field.is_empty()) {
            let mut parts = names(field);
            let Some(name) = parts.next() else { continue };
            event.constants.extend(parts.next().map(|value| (name.clone(), value)));
            event.fields.insert(name);
        }
        event
    }
}

/// The rows below the header that begins so, each with its cells; four at least.
fn table<'t>(text: &'t str, header: &str) -> Result<Vec<Vec<&'t str>>> {
    let lines = text.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let inside = line.trim_matches('|');
        let cells = inside.split(" | ").map(str::trim).chain(std::iter::repeat("")).take(4);
        cells.collect::<Vec<_>>()
    });
    let rows: Vec<Vec<&str>> = rows.collect();
    ensure!(!rows.is_empty(), "{LOGS} has no table `{header}`");
    Ok(rows)
}

/// What stands between the heading and the first table below it.
fn introduction<'t>(text: &'t str, heading: &str) -> &'t str {
    let (_, below) = text.split_once(heading).unwrap_or_default();
    below.split_once("\n|").map_or(below, |(introduction, _)| introduction)
}

/// What stands in backticks.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small reference, in the form of the large one.
    pub(crate) const REFERENCE: &str = "\
# Logs

## Fields

| field | in which lines | what it is |
| --- | --- | --- |
| `time` | all | when |
| `level` | all | `error` or `warn` |
| `message` | all | the event in words |
| `event` | all of the server | which |
| `user` | what somebody does | who |
| `_target`, `_file` | all that go to Loki | where |

| label | what it is |
| --- | --- |
| `job` | `chat-server` |
| `instance` | which |
| `level` | the same as the field |

## Events

`user` and `trace_id` are in each of these lines where they apply.

| `event` | level | message | fields | what has happened | counted as |
| --- | --- | --- | --- | --- | --- |
| `stopped` | info | stopped |  | It has. |  |
| `refused` | warn | authentication failed | `auth_result`=`failure`, `address`, `reason`, `count`, bounded by `reason` | No. | `a_total` |
| `taken` | info | authentication succeeded | `auth_result`=`success`, `address` | Yes. |  |

## Lines of other parts

| target | level | message | fields | counted as |
| --- | --- | --- | --- | --- |
| `store` | warn | slow statement | `statement`, `duration_ms` |  |
";

    #[test]
    fn the_reference_is_read_whole() {
        let contract = LogContract::parse(REFERENCE).expect("it is whole");
        let told = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(told(&contract.labels), "instance job level");
        assert_eq!(told(&contract.common), "_file _target event level message time trace_id user");
        assert_eq!(
            told(&contract.fields),
            "_file _target address auth_result count duration_ms event level message reason \
             statement time trace_id user"
        );
        let refused = &contract.events["refused"];
        assert_eq!(told(&refused.fields), "address auth_result count reason");
        assert_eq!(refused.constants["auth_result"], "failure");
        assert_eq!((refused.level.as_str(), contract.events.len()), ("warn", 3));
        assert_eq!(told(&contract.messages), "slow statement");
    }

    #[test]
    fn what_is_told_and_what_never_is() {
        let contract = LogContract::parse(REFERENCE).expect("it is whole");
        assert!(contract.may_be("auth_result", "failure") && contract.may_be("reason", "any"));
        assert!(!contract.may_be("auth_result", "maybe"));
        for text in ["slow statement", "authentication", "refused", "success", "auth_result"] {
            assert!(contract.is_told(text), "{text}");
        }
        assert!(!contract.is_told("slow query"));
    }

    #[test]
    fn a_reference_without_a_table_is_none() {
        for header in ["| label |", "| field |", "| `event` | level |", "| target |"] {
            let without = REFERENCE.replacen(header, "| other |", 1);
            let error = LogContract::parse(&without).expect_err(header).to_string();
            assert!(error.contains(header), "{error}");
        }
    }
}
