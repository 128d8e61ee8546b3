//! The reference of the log, written from the declarations.

use super::{Description, FIELD_BYTES_MAX, bounded::LINES_MAX, events};
use std::fmt::Write;

/// What stands before the list.
const HEAD: &str = include_str!("reference.md");

/// What the crates that can be used alone say, with their own words: no list of theirs can be here.
const ADAPTERS: &[[&str; 5]] = &[
    [
        "`campanile_adapter_postgres`",
        "error",
        "an application makes no sense",
        "`app`, `error`",
        "",
    ],
    [
        "`campanile_adapter_postgres`",
        "warn",
        "slow statement",
        "`statement`, `duration_ms`",
        "`chat_storage_slow_statements_total`",
    ],
    ["`campanile_adapter_sqlite`", "error", "an application makes no sense", "`app`, `error`", ""],
    ["`campanile_adapter_redis`", "warn", "redis is in trouble", "`reason`, `error`", ""],
    ["`campanile_adapter_redis`", "info", "redis is back", "`duration_ms`", ""],
    ["`campanile_adapter_redis`", "info", "redis is heard again", "", ""],
    [
        "`campanile_adapter_redis`",
        "warn",
        "another node has this node's name: give each its own",
        "`name`",
        "",
    ],
    ["`campanile_exporter_prometheus`", "error", "the metrics endpoint failed", "`error`", ""],
    [
        "`campanile_exporter_prometheus`",
        "debug",
        "scrape refused",
        "`reason`",
        "`chat_metrics_scrapes_denied_total`",
    ],
    ["`campanile_loki`", "error", "a part of the log shipper has failed", "`error`", ""],
    [
        "`campanile_loki`",
        "warn",
        "the log spool has lost lines",
        "`lines`",
        "`chat_log_shipper_entries_dropped_total`",
    ],
    ["`campanile_loki`", "warn", "cannot read from the log spool", "`error`", ""],
    [
        "`campanile_loki`",
        "warn",
        "cannot write to the log spool, memory takes its place",
        "`error`",
        "",
    ],
    ["`campanile_loki`", "info", "the log spool can be written again", "", ""],
    ["`campanile_loki`", "info", "the log store takes lines again", "", ""],
    [
        "`campanile_loki`",
        "warn",
        "the log store refuses lines, they are dropped",
        "`status`, `reason`",
        "",
    ],
    ["`campanile_loki`", "warn", "the log store does not take lines, they wait", "`reason`", ""],
    ["`campanile_loki`", "warn", "the log shipper's thread did not end in time", "", ""],
    ["`campanile_loki`", "warn", "the log spool has a damaged end", "`file`, `bytes`", ""],
    ["`campanile_loki`", "warn", "cannot delete from the log spool", "`file`, `error`", ""],
    ["`campanile_loki`", "error", "logs are not shipped any more", "`error`", ""],
];

/// The reference, as Markdown.
pub fn markdown() -> String {
    let mut text = HEAD
        .replace("LINES_MAX", &LINES_MAX.to_string())
        .replace("FIELD_KIB_MAX", &(FIELD_BYTES_MAX / 1_024).to_string());
    text.push_str("\n| `event` | level | message | fields | what has happened | counted as |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for event in events::ALL {
        text.push_str(&row(event));
    }
    text.push_str(
        "\n## Lines of other parts\n\n\
         These crates are of use alone and name no `event`; look for target and message.\n\n\
         | target | level | message | fields | counted as |\n| --- | --- | --- | --- | --- |\n",
    );
    for line in ADAPTERS {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text
}

fn row(event: &Description) -> String {
    let Description { name, level, message, .. } = event;
    let level = level.as_str().to_ascii_lowercase();
    let meaning = event.meaning.split_whitespace().collect::<Vec<_>>().join(" ");
    let constants = event.constants.iter().map(|(name, value)| format!("`{name}`=`{value}`"));
    let named = |name: &&str| format!("`{name}`");
    let bound = event.bounded_by.iter().map(named).collect::<Vec<_>>().join(" and ");
    let count = (!bound.is_empty()).then(|| format!("`count`, bounded by {bound}"));
    let fields = event.fields.iter().map(named);
    let fields = constants.chain(fields).chain(count).collect::<Vec<_>>().join(", ");
    let counter = event.counter.map(|series| format!("`{series}`")).unwrap_or_default();
    format!("| `{name}` | {level} | {message} | {fields} | {meaning} | {counter} |\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use std::collections::BTreeSet;

    #[test]
    fn every_event_has_a_name_of_its_own_and_a_meaning() {
        let names: BTreeSet<_> = events::ALL.iter().map(|event| event.name).collect();
        assert_eq!(names.len(), events::ALL.len());
        for event in events::ALL {
            assert!(event.meaning.ends_with('.'), "{}", event.name);
        }
    }

    #[test]
    fn every_event_about_authentication_says_so_and_how_it_ended() {
        for event in events::ALL {
            let says_so = event.message.contains("authentication");
            let result = event.constants.iter().find(|(name, _)| *name == "auth_result");
            assert_eq!(says_so, result.is_some(), "{}", event.name);
        }
    }

    #[test]
    fn what_counts_the_same_is_declared() {
        let here = events::ALL.iter().filter_map(|event| event.counter);
        let elsewhere = ADAPTERS.iter().map(|line| line[4].trim_matches('`'));
        for series in here.chain(elsewhere.filter(|series| !series.is_empty())) {
            let name = series.split('{').next().expect("a name");
            assert!(catalogue::all().any(|metric| metric.name == name), "{series}");
        }
    }
}
