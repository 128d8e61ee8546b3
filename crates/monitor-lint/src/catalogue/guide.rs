//! What a guide says of its metrics: examples of expositions, tables with types, headings with a type
//! below.

use super::exposition::{self, kind};
use super::{Catalogue, Kind};
use crate::source::fences;

pub(super) fn read(catalogue: &mut Catalogue, text: &str) {
    for fence in fences(text).iter().filter(|fence| fence.text.contains("# TYPE ")) {
        // An example that is cut short says what it says up to there.
        let _ = exposition::read_into(catalogue, &fence.text);
    }
    let mut named = None;
    for line in text.lines() {
        if let Some((name, kind)) = row(line) {
            set(catalogue, name, kind);
        } else if let Some(heading) = line.trim_start().strip_prefix('#') {
            named = quoted_name(heading);
        } else if let Some(rest) = line.trim().strip_prefix("**Type:**")
            && let (Some(name), Some(kind)) = (named, kind(rest.trim()))
        {
            set(catalogue, name, kind);
        }
    }
}

/// What was seen counts for more than what is said.
fn set(catalogue: &mut Catalogue, name: &str, kind: Kind) {
    catalogue.metrics.entry(name.to_owned()).or_default().kind.get_or_insert(kind);
}

/// `| `name` | … | Counter |`, with the columns in any order.
fn row(line: &str) -> Option<(&str, Kind)> {
    let cells: Vec<&str> = line.trim().strip_prefix('|')?.split('|').map(str::trim).collect();
    let name = cells.iter().find_map(|cell| quoted_name(cell))?;
    let kind = cells.iter().find_map(|cell| kind(cell))?;
    Some((name, kind))
}

/// A name of a metric that is all that stands in back-quotes.
fn quoted_name(text: &str) -> Option<&str> {
    let name = text.split('`').nth(1)?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_where_they_are_said() {
        let text = "| Metric | Type |\n|---|---|\n| `a_total` | Gauge |\n\n### `b`\n\n**Type:** Counter\n\n\
            ```\n# TYPE c histogram\nc_bucket{le=\"2\"} 1\n...\n```\n";
        let mut catalogue = Catalogue::default();
        read(&mut catalogue, text);
        assert_eq!(catalogue.kind_of("a_total"), Some(Kind::Gauge));
        assert_eq!(catalogue.kind_of("b"), Some(Kind::Counter));
        assert_eq!(catalogue.kind_of("c"), Some(Kind::Histogram));
        assert!(!catalogue.lacks("a_other"), "a guide need not name everything");
    }
}
