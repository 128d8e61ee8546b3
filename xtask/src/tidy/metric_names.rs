//! One name, everywhere: a metric that is declared is documented, and what is used is documented.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::tree::Tree;

const REFERENCE: &str = "docs/metrics.md";
const PREFIXES: &[&str] = &["chat_", "process_"];

/// Folders whose files query metrics.
const USERS: &[&str] = &["dashboards/", "alerts/", "docs/runbooks/"];

/// What a histogram's name ends in when one of its series is queried.
const SERIES: &[&str] = &["_bucket", "_sum", "_count"];

/// A name, and the first place where it stands.
type Names<'t> = BTreeMap<&'t str, (&'t str, usize)>;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    // That it is missing is said once, by the rule about generated files.
    if !tree.exists(REFERENCE) {
        return Vec::new();
    }
    let documented = documented(tree);
    let declared = declared(tree);
    let undocumented = declared.iter().filter(|(name, _)| !documented.contains_key(*name));
    let undeclared = documented.iter().filter(|(name, _)| !declared.contains_key(*name));
    let used = used(tree);
    let unknown = used.iter().filter(|(name, _)| !is_known(&documented, name));
    let finding = |(name, (path, line)): (&&str, &(&str, usize)), why: &str| {
        Finding::at(path, *line, format!("`{name}` {why}"))
    };
    undocumented
        .map(|entry| finding(entry, "is declared here and not in docs/metrics.md"))
        .chain(undeclared.map(|entry| finding(entry, "is documented here and declared nowhere")))
        .chain(unknown.map(|entry| finding(entry, "is used here and not in docs/metrics.md")))
        .collect()
}

/// The names that the reference explains: the first thing quoted in a row of a table.
fn documented(tree: &Tree) -> Names<'_> {
    let text = tree.text(REFERENCE).unwrap_or_default();
    let rows = text.lines().enumerate().filter(|(_, line)| line.starts_with("| `"));
    rows.filter_map(|(index, line)| Some((names(line).next()?, (REFERENCE, index + 1)))).collect()
}

/// The names given to metrics in the sources: `= "chat_…"` in a file that has a catalogue.
fn declared(tree: &Tree) -> Names<'_> {
    let mut declared = Names::new();
    for (path, text) in tree.below("crates", "rs").filter(|(path, _)| path.contains("/src/")) {
        let program =
            text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
        let code: Vec<(usize, &str)> =
            program.filter(|(_, line)| !line.trim_start().starts_with("//")).collect();
        if !code.iter().any(|(_, line)| line.contains("catalogue! {")) {
            continue;
        }
        for (index, line) in code {
            let given = line
                .split("= \"")
                .skip(1)
                .filter(|rest| PREFIXES.iter().any(|p| rest.starts_with(p)));
            for name in given.filter_map(|rest| names(rest).next()) {
                declared.entry(name).or_insert((path, index + 1));
            }
        }
    }
    declared
}

fn used(tree: &Tree) -> Names<'_> {
    let mut used = Names::new();
    for (path, text) in
        tree.files().filter(|(path, _)| USERS.iter().any(|user| path.starts_with(user)))
    {
        for (index, line) in text.lines().enumerate() {
            for name in names(line) {
                used.entry(name).or_insert((path, index + 1));
            }
        }
    }
    used
}

fn is_known(documented: &Names<'_>, name: &str) -> bool {
    let base = SERIES.iter().find_map(|series| name.strip_suffix(series));
    documented.contains_key(name) || base.is_some_and(|base| documented.contains_key(base))
}

/// The words of a line that are metric names. Recorded series have colons and are none.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let words =
        line.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_:".contains(letter)));
    words.filter(|word| {
        let begins =
            PREFIXES.iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len());
        begins && !word.contains(':') && !word.ends_with('_')
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    const REFERENCE_TEXT: &str = "# Metrics\n\n| name | help |\n| --- | --- |\n| `chat_joins_total` | Joins. |\n| `chat_wait_seconds` | Wait. |\n";
    const SOURCE: &str = "\
//! Metrics.
/// `= \"chat_example_total\"` is an example.
catalogue! { pub struct Rooms {
    /// Joins.
    counter joins() = \"chat_joins_total\";
    /// Wait.
    histogram wait() = \"chat_wait_seconds\" [Seconds];
} }

#[cfg(test)]
mod tests { catalogue! { struct T { counter t() = \"chat_test_total\"; } } }
";

    fn with(path: &str, text: &str) -> Vec<Finding> {
        let (reference, source) =
            ((REFERENCE, REFERENCE_TEXT), ("crates/core/src/metrics.rs", SOURCE));
        check(&Tree::of(&[reference, source, (path, text)]))
    }

    #[test]
    fn names_that_agree_are_fine() {
        let query =
            "rate(chat_wait_seconds_bucket[5m]) / chat_joins_total / room:chat_joins:rate5m\n";
        assert_eq!(with("alerts/delivery.yaml", query), []);
    }

    #[test]
    fn an_unknown_name_is_found_where_it_is_used() {
        let findings = with("dashboards/source/rooms.toml", "\nquery = \"chat_leaves_total\"\n");
        says(&findings, "dashboards/source/rooms.toml:2: `chat_leaves_total` is used here");
        says(
            &with("docs/runbooks/ChatSlow.md", "`process_cpu_seconds_total`\n"),
            "ChatSlow.md:1: `process_cpu",
        );
    }

    #[test]
    fn a_declared_name_is_documented() {
        let source = "//! M.\ncatalogue! { pub struct M {\n    gauge up() = \"process_up\";\n} }\n";
        let findings = with("crates/server/src/metrics.rs", source);
        says(&findings, "crates/server/src/metrics.rs:3: `process_up` is declared here");
    }

    #[test]
    fn a_documented_name_is_declared() {
        let findings = check(&Tree::of(&[(REFERENCE, REFERENCE_TEXT)]));
        says(
            &findings,
            "docs/metrics.md:5: `chat_joins_total` is documented here and declared nowhere",
        );
    }
}
