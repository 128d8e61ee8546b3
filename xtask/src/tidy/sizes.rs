//! What is longest: a list to look at, not a rule.

use std::fmt::Write;

use super::tree::Tree;

const SHOWN: usize = 10;

/// The longest files and functions written in Rust, one per line.
pub(crate) fn report(tree: &Tree) -> String {
    let sources = || tree.files().filter(|(path, _)| path.ends_with(".rs"));
    let files = sources().map(|(path, text)| (text.lines().count(), path.to_owned())).collect();
    let functions = sources().flat_map(|(path, text)| functions(path, text)).collect();
    let mut report = String::new();
    for (title, entries) in [("longest files", files), ("longest functions", functions)] {
        let _ = writeln!(report, "{title}:");
        for (lines, name) in longest(entries) {
            let _ = writeln!(report, "{lines:6}  {name}");
        }
    }
    report
}

fn longest(mut entries: Vec<(usize, String)>) -> Vec<(usize, String)> {
    entries.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    entries.truncate(SHOWN);
    entries
}

/// The functions of a formatted file: the closing brace stands below the first word.
fn functions(path: &str, text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines.iter().enumerate();
    starts
        .filter_map(|(start, line)| {
            let name = function_name(line)?;
            let length = length(&lines[start..])?;
            Some((length, format!("{path}:{} {name}", start + 1)))
        })
        .collect()
}

/// The lines of the function that starts here; nothing for one that has no body.
fn length(lines: &[&str]) -> Option<usize> {
    let indent = &lines[0][..lines[0].len() - lines[0].trim_start().len()];
    let (body_ends, declaration_ends) = (format!("{indent}}}"), format!("{indent})"));
    let is_end = |line: &&str| {
        **line == body_ends || line.starts_with(&declaration_ends) && line.ends_with(';')
    };
    let end = lines.iter().position(is_end)?;
    (lines[end] == body_ends).then_some(end + 1)
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_item = before.split_whitespace().all(|word| {
        matches!(word, "const" | "async" | "unsafe" | "extern" | "pub") || word.starts_with("pub(")
    });
    let name = after.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    (is_item && !line.trim_end().ends_with([';', '}']) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_come_first() {
        let long = "//! L.\n\npub(crate) async fn long() {\n    one();\n    two();\n}\n";
        let declared = "trait T {\n    fn declared(\n        one: u8,\n    ) -> u8;\n}\n";
        let short = "//! S.\n\nfn short() {\n    one();\n}\n\nfn line() {}\n";
        let report =
            report(&Tree::of(&[("a.rs", short), ("b.rs", long), ("c.rs", declared), ("d.md", "")]));
        assert_eq!(
            report,
            "longest files:\n     7  a.rs\n     6  b.rs\n     5  c.rs\n\
             longest functions:\n     4  b.rs:3 long\n     3  a.rs:3 short\n"
        );
    }
}
