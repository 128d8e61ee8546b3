//! What `docs/pusher.md` calls proven is: each line of the checklist has a test that is named after
//! it in every file that is named beside it.

use super::finding::Finding;
use super::tree::Tree;

const DOCUMENT: &str = "docs/pusher.md";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let lines = tree.text(DOCUMENT).into_iter().flat_map(str::lines);
    let rows = lines.enumerate().filter_map(|(index, text)| Some((index + 1, Row::read(text)?)));
    let unproven = rows.flat_map(|(at, row)| {
        let Row { line, files } = row;
        let without = files.into_iter().filter(move |file| !has_test(tree.text(file), line));
        without.map(move |file| {
            Finding::at(DOCUMENT, at, format!("{file} has no test that is named after {line}"))
        })
    });
    unproven.collect()
}

/// A row of the table: a line of the checklist, and the files of its tests.
struct Row<'a> {
    line: &'a str,
    files: Vec<String>,
}

impl<'a> Row<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let line = text.strip_prefix("| ")?.split(" |").next()?;
        let targets = text.split("](../").skip(1).filter_map(|rest| rest.split(')').next());
        let files: Vec<String> = targets.map(str::to_owned).collect();
        let is_numbered = line.starts_with(|letter: char| letter.is_ascii_digit());
        (is_numbered && !files.is_empty()).then_some(Self { line, files })
    }
}

/// Tests in JavaScript begin with the lines that they prove, those in Rust with `line_` and theirs.
fn has_test(text: Option<&str>, line: &str) -> bool {
    let (spoken, written) = (format!(" {line} "), format!("_{}_", line.replace(['.', ' '], "_")));
    text.into_iter().flat_map(str::lines).map(str::trim_start).any(|code| {
        let name = code.strip_prefix("test(").map(|rest| rest.replace(['"', '`', ':'], " "));
        name.is_some_and(|name| name.contains(&spoken))
            || code.strip_prefix("fn line").is_some_and(|name| name.contains(&written))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_a_test_in_each_file() {
        let table = "| 5.1 | A | a | [one](../one.mjs), [two](../two.rs) |\n\
                     | 11.2 h | A | b | [one](../one.mjs) |\n\
                     | 6.4 | A | missing, with no file |\n";
        let one = "test(\"5.1 5.2 it is so\", () => {});\n  test(`trap 1: 11.2 h it is`, f);";
        let two = "fn line_5_1_and_5_2_it_is_so() {";
        let tree = Tree::of(&[(DOCUMENT, table), ("one.mjs", one), ("two.rs", two)]);
        assert_eq!(check(&tree), []);
        let poor = one.replace("5.1", "5.10").replace("11.2 h", "11.2 i");
        let tree = Tree::of(&[(DOCUMENT, table), ("one.mjs", &poor), ("two.rs", "fn other() {")]);
        let lines: Vec<String> = check(&tree).iter().map(Finding::to_string).collect();
        assert_eq!(
            lines,
            [
                "docs/pusher.md:1: one.mjs has no test that is named after 5.1",
                "docs/pusher.md:1: two.rs has no test that is named after 5.1",
                "docs/pusher.md:2: one.mjs has no test that is named after 11.2 h",
            ]
        );
    }
}
