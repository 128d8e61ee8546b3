//! Documents that cannot lie: the paths they name exist, and the map shows every crate.

use std::path::{Component, Path, PathBuf};

use super::finding::Finding;
use super::tree::Tree;
use crate::task::Task;

const MAP: &str = "docs/ARCHITECTURE.md";
const MAP_LINES_MAX: usize = 250;

/// What a newcomer looks for first.
const EXPECTED: &[&str] = &["README.md", "CHANGELOG.md", MAP];

/// Documents whose quoted paths are checked. The links of every document are.
const QUOTING: &[&str] = &[MAP, "README.md"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let missing = EXPECTED.iter().filter(|path| !tree.exists(path));
    let mut findings: Vec<Finding> =
        missing.map(|path| Finding::about(path, "is missing")).collect();
    findings.extend(tree.text(MAP).into_iter().flat_map(|map| check_map(tree, map)));
    for path in QUOTING {
        findings.extend(
            tree.text(path).into_iter().flat_map(|text| check_quoted_paths(tree, path, text)),
        );
    }
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".md")) {
        findings.extend(check_links(tree, path, text));
        findings.extend(check_tasks(path, text));
    }
    findings.extend(check_decisions(tree));
    findings
}

fn check_map(tree: &Tree, map: &str) -> Vec<Finding> {
    let lines = map.lines().count();
    let too_long = (lines > MAP_LINES_MAX).then(|| {
        Finding::at(MAP, lines, format!("a map has at most {MAP_LINES_MAX} lines, not {lines}"))
    });
    let unnamed = tree.crates().into_iter().filter(|folder| {
        let names =
            [format!("`{folder}`"), format!("`campanile-{folder}`"), format!("`crates/{folder}")];
        !names.iter().any(|name| map.contains(name))
    });
    too_long
        .into_iter()
        .chain(
            unnamed
                .map(|folder| Finding::about(MAP, format!("does not name the crate `{folder}`"))),
        )
        .collect()
}

fn check_quoted_paths(tree: &Tree, document: &str, text: &str) -> Vec<Finding> {
    let quoted = prose(text).flat_map(|(line, text)| {
        let tokens = text.split('`').skip(1).step_by(2);
        tokens.map(move |token| (line, token))
    });
    quoted
        .filter(|(_, token)| looks_like_a_path(token))
        .filter(|(_, token)| !names_something(tree, token))
        .map(|(line, token)| Finding::at(document, line, format!("`{token}` does not exist")))
        .collect()
}

fn check_links(tree: &Tree, document: &str, text: &str) -> Vec<Finding> {
    let links = prose(text).flat_map(|(line, text)| {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        targets.map(move |target| (line, target))
    });
    links
        .map(|(line, target)| (line, target.split('#').next().unwrap_or_default()))
        .filter(|(_, target)| {
            !target.is_empty() && !target.contains(':') && !target.starts_with('/')
        })
        .filter(|(_, target)| !tree.exists(&resolve(document, target)))
        .map(|(line, target)| {
            Finding::at(document, line, format!("the link to `{target}` leads nowhere"))
        })
        .collect()
}

/// Each `cargo xtask …` is a task, and what it names is there. A word in capitals stands for any.
fn check_tasks(document: &str, text: &str) -> Vec<Finding> {
    const CALL: &str = "cargo xtask ";
    let lines = text.lines().zip(1..);
    let calls = lines.flat_map(|(text, line): (&str, usize)| {
        text.split(CALL).skip(1).map(move |rest| {
            let words = rest.split(['`', '#', '|', ')', '"', ';', '…']).next().unwrap_or_default();
            (line, words.trim())
        })
    });
    let wrong = calls.filter(|(_, words)| !words.is_empty()).filter_map(|(line, words)| {
        let all: Vec<&str> = words.split_whitespace().collect();
        let Some(task) = Task::parse(&all) else {
            return Some((line, format!("`{CALL}{words}` is no task")));
        };
        let unknown = task.unknown_name().filter(|name| *name != name.to_uppercase())?;
        Some((line, format!("`{CALL}{words}` names {unknown}, which is not there")))
    });
    wrong.map(|(line, what)| Finding::at(document, line, what)).collect()
}

/// Decisions are numbered from 1, each number once and none left out.
fn check_decisions(tree: &Tree) -> Vec<Finding> {
    let decisions = tree.below("docs/adr", "md").filter(|(path, _)| !path.ends_with("/README.md"));
    let wrong = decisions.zip(1..).filter(|((path, _), expected)| {
        let name = path.trim_start_matches("docs/adr/");
        let digits = name.split(|letter: char| !letter.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse::<usize>().ok()) != Some(*expected)
    });
    wrong
        .take(1)
        .map(|((path, _), expected)| {
            Finding::about(path, format!("decision {expected} was expected here"))
        })
        .collect()
}

/// The numbered lines of a document outside its code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

fn looks_like_a_path(token: &str) -> bool {
    const FILES: &[&str] =
        &[".rs", ".md", ".toml", ".yaml", ".yml", ".json", ".js", ".mjs", ".html", ".py"];
    const ELSEWHERE: &[&str] = &["/", "target/", "data/", "text/", "application/", "image/", "~"];
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._/-*".contains(letter);
    !token.is_empty()
        && token.chars().all(plain)
        && !ELSEWHERE.iter().any(|start| token.starts_with(start))
        && (token.contains('/')
            || FILES.iter().any(|end| token.ends_with(end) && token.len() > end.len()))
}

/// A path may be written from any folder on, and without the extension of its file.
fn names_something(tree: &Tree, path: &str) -> bool {
    if let Some((before, after)) = path.split_once('*') {
        let fits = |file: &str| file.contains(before) && file.contains(after);
        return tree.files().any(|(file, _)| fits(file));
    }
    let path = format!("/{}", path.trim_end_matches('/'));
    tree.files().any(|(file, _)| {
        let file = format!("/{file}");
        file.match_indices(&path)
            .any(|(at, _)| matches!(file[at + path.len()..].chars().next(), None | Some('/' | '.')))
    })
}

/// Where a link of `document` leads, from the root.
fn resolve(document: &str, target: &str) -> String {
    let mut place = PathBuf::from(document);
    place.pop();
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => drop(place.pop()),
            Component::Normal(name) => place.push(name),
            _ => {}
        }
    }
    place.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    fn map(text: &str) -> Vec<Finding> {
        let others = [("README.md", ""), ("CHANGELOG.md", ""), ("crates/core/src/room.rs", "")];
        check(&Tree::of(&[&others[..], &[(MAP, text)]].concat()))
    }

    #[test]
    fn a_map_that_tells_the_truth_is_fine() {
        let text = "`core`: see `crates/core/src/room.rs`, `core/src/`, `src/room`, `room.rs`, [it](../crates/core).\n";
        assert_eq!(map(text), []);
    }

    #[test]
    fn a_missing_map_is_found() {
        says(&check(&Tree::of(&[])), "docs/ARCHITECTURE.md:1: is missing");
    }

    #[test]
    fn a_crate_that_the_map_leaves_out_is_found() {
        says(&map("# Map\n"), "docs/ARCHITECTURE.md:1: does not name the crate `core`");
    }

    #[test]
    fn a_path_that_is_gone_is_found() {
        says(
            &map("`core`\n\nSee `core/src/user.rs`.\n"),
            "docs/ARCHITECTURE.md:3: `core/src/user.rs` does",
        );
        says(&map("`core`: `user.rs`\n"), "docs/ARCHITECTURE.md:1: `user.rs` does not exist");
        says(&map("`core`: `crates/lob*.rs`\n"), "`crates/lob*.rs` does not exist");
    }

    #[test]
    fn routes_media_types_and_code_are_no_paths() {
        assert_eq!(
            map("`core` `/metrics` `text/plain` `GET /a` `a::b`\n```\n`no/path`\n```\n"),
            []
        );
    }

    #[test]
    fn a_broken_link_is_found() {
        says(
            &map("`core` [gone](adr/0009-gone.md)\n"),
            "the link to `adr/0009-gone.md` leads nowhere",
        );
    }

    #[test]
    fn a_task_that_is_none_is_found() {
        let fine = "`core`: `cargo xtask test --only fmt`, `cargo xtask drill ALERT`\n```sh\ncargo xtask up   # all\n```\n";
        assert_eq!(map(fine), []);
        says(&map("`core` `cargo xtask test fmt`\n"), "`cargo xtask test fmt` is no task");
        says(
            &map("`core` `cargo xtask test --only fnt`\n"),
            "`cargo xtask test --only fnt` names fnt, which is not there",
        );
    }

    #[test]
    fn a_long_map_is_found() {
        says(
            &map(&"`core`\n".repeat(251)),
            "docs/ARCHITECTURE.md:251: a map has at most 250 lines",
        );
    }

    #[test]
    fn decisions_are_numbered_without_gaps() {
        let decisions = |second: &str| {
            let second = format!("docs/adr/{second}");
            check_decisions(&Tree::of(&[("docs/adr/0001-sqlite.md", ""), (&second, "")]))
        };
        assert_eq!(decisions("0002-actix.md"), []);
        says(&decisions("0003-actix.md"), "docs/adr/0003-actix.md:1: decision 2 was expected here");
        says(&decisions("0001-twice.md"), "decision 2 was expected here");
        says(&decisions("unnumbered.md"), "docs/adr/unnumbered.md:1: decision 2 was expected here");
    }
}
