//! Lines of the log: those of the server and the core come from one list, and those of crates that are
//! of use alone are in the reference.

use super::finding::Finding;
use super::tree::Tree;

/// The reference, which is generated.
const REFERENCE: &str = "docs/logs.md";

/// The list of events, and what makes lines of them.
const LIST: &str = "crates/server/src/logs/";

/// Crates whose lines are events.
const LISTED: &[&str] = &["crates/core/src/", "crates/server/src/"];

const MACROS: &[&str] = &[
    "tracing::error!(",
    "tracing::warn!(",
    "tracing::info!(",
    "tracing::debug!(",
    "tracing::trace!(",
    "tracing::event!(",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let reference = tree.text(REFERENCE).unwrap_or_default();
    let sources = tree
        .below("crates", "rs")
        .filter(|(path, _)| path.split('/').nth(2) == Some("src") && !path.starts_with(LIST));
    sources.flat_map(|(path, text)| check_file(path, text, reference)).collect()
}

fn check_file(path: &str, text: &str, reference: &str) -> Vec<Finding> {
    let program = text.find("#[cfg(test)]").map_or(text, |tests| &text[..tests]);
    let said = MACROS.iter().flat_map(|name| program.match_indices(name));
    let said = said.filter(|(place, _)| !is_comment(program, *place));
    said.filter_map(|(place, _)| {
        let line = program[..place].matches('\n').count() + 1;
        if LISTED.iter().any(|folder| path.starts_with(folder)) {
            let text = format!("what is told is an event of `{LIST}events.rs`");
            return Some(Finding::at(path, line, text));
        }
        let message = message(&program[place..])?;
        (!reference.contains(message)).then(|| {
            Finding::at(path, line, format!("{REFERENCE} does not list the line `{message}`"))
        })
    })
    .collect()
}

fn is_comment(text: &str, place: usize) -> bool {
    let start = text[..place].rfind('\n').map_or(0, |end| end + 1);
    text[start..].trim_start().starts_with("//")
}

/// The last text within the call: its message.
fn message(call: &str) -> Option<&str> {
    let call = &call[..call.find(");")?];
    let end = call.rfind('"')?;
    let start = call[..end].rfind('"')? + 1;
    Some(&call[start..end])
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    const LINE: &str =
        "//! A.\nfn a() {\n    tracing::warn!(\n        b,\n        \"too slow\"\n    );\n}\n";

    #[test]
    fn the_server_tells_events_of_the_list_only() {
        let tree = |path| Tree::of(&[(path, LINE), (REFERENCE, "| too slow |")]);
        says(&check(&tree("crates/server/src/app.rs")), "crates/server/src/app.rs:3: what is told");
        assert_eq!(check(&tree("crates/server/src/logs/event.rs")), []);
        assert_eq!(check(&tree("crates/server/tests/logs/main.rs")), []);
    }

    #[test]
    fn lines_of_other_crates_are_in_the_reference() {
        let path = "crates/adapter-redis/src/link.rs";
        let tree = |reference| Tree::of(&[(path, LINE), (REFERENCE, reference)]);
        assert_eq!(check(&tree("| too slow |")), []);
        says(&check(&tree("")), "docs/logs.md does not list the line `too slow`");
    }

    #[test]
    fn tests_and_comments_say_what_they_like() {
        let text = "//! A.\n/// tracing::info!(\"x\");\n#[cfg(test)]\nmod tests { tracing::info!(\"x\"); }\n";
        assert_eq!(check(&Tree::of(&[("crates/core/src/a.rs", text)])), []);
    }
}
