//! Five guides that operators copy: every line that was judged by hand is judged so by the rules, and
//! nothing else in them is found.
//!
//! Here are the facts of the guides, without their words. Who has the guides themselves names their
//! folder in `MONITOR_LINT_GUIDES`: then each line of them is held against what is expected.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use campanile_monitor_lint::{Catalogue, File, Finding, lint, rule};

const EXPECTED: &str = include_str!("expected.txt");

/// A line of a guide, and what was judged of it.
struct Judged {
    line: usize,
    rules: BTreeSet<String>,
    text: String,
}

/// The guides, each with its lines.
fn expected() -> Vec<(String, Vec<Judged>)> {
    let mut guides: Vec<(String, Vec<Judged>)> = Vec::new();
    for line in EXPECTED.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("= ") {
            guides.push((name.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = guides.last_mut() {
            lines.push(judged(line));
        }
    }
    guides
}

fn judged(line: &str) -> Judged {
    let mut words = line.splitn(3, ' ');
    let number = words.next().and_then(|word| word.parse().ok()).expect("a line has a number");
    let rules = words.next().expect("a line is judged").split(',').filter(|word| *word != "fine");
    let rules: BTreeSet<String> = rules.map(str::to_owned).collect();
    for id in &rules {
        assert!(rule(id).is_some(), "there is no rule {id}");
    }
    let text = words.next().expect("a line says what stands there");
    let text = text.split(" ## ").next().unwrap_or_default().to_owned();
    Judged { line: number, rules, text }
}

fn read(path: &Path) -> File {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    File { path: path.display().to_string(), text }
}

fn findings(file: &File) -> Vec<Finding> {
    lint(std::slice::from_ref(file), &Catalogue::default())
}

#[test]
fn the_facts_of_the_guides_are_judged_as_expected() {
    for (guide, lines) in expected() {
        let file =
            read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/guides").join(&guide));
        let found = findings(&file);
        for judged in lines.iter().filter(|judged| file.text.contains(&judged.text)) {
            for id in &judged.rules {
                let is_it = |finding: &&Finding| {
                    finding.rule.id == id && line_of(&file, finding).contains(&judged.text)
                };
                assert!(found.iter().any(|one| is_it(&one)), "{guide}: {id}: {}", judged.text);
            }
        }
        for finding in &found {
            let line = line_of(&file, finding);
            let is_expected = lines.iter().any(|judged| {
                judged.rules.contains(finding.rule.id) && line.contains(&judged.text)
            });
            assert!(is_expected, "{guide}: nobody expected {finding:#?}");
        }
    }
}

#[test]
fn the_facts_of_the_guides_are_all_there() {
    for (guide, lines) in expected() {
        let file =
            read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/guides").join(&guide));
        for judged in lines.iter().filter(|judged| !judged.rules.is_empty()) {
            let is_there = file.text.lines().any(|line| line.contains(&judged.text));
            assert!(is_there || is_address(&judged.text), "{guide}: {}", judged.text);
        }
    }
}

/// Many addresses of a guide are wrong in the same way; the facts have some of them.
fn is_address(text: &str) -> bool {
    text.contains("yourdomain") || text.contains("example.com")
}

fn line_of<'f>(file: &'f File, finding: &Finding) -> &'f str {
    file.line(finding.line).unwrap_or_default()
}

#[test]
#[ignore = "needs the guides: a folder in MONITOR_LINT_GUIDES"]
#[expect(clippy::disallowed_methods, reason = "the variable is the test's, not the server's")]
fn the_guides_themselves_are_judged_as_expected() {
    let folder = std::env::var_os("MONITOR_LINT_GUIDES").expect("it names their folder");
    for (guide, lines) in expected() {
        let file = read(&Path::new(&folder).join(&guide));
        for judged in &lines {
            let line = file.line(judged.line).unwrap_or_default();
            assert!(line.contains(&judged.text), "{guide}:{}: {line}", judged.line);
        }
        let expected: BTreeSet<(usize, &str)> = lines
            .iter()
            .flat_map(|judged| judged.rules.iter().map(|id| (judged.line, id.as_str())))
            .collect();
        let found = findings(&file);
        let found: BTreeSet<(usize, &str)> =
            found.iter().map(|finding| (finding.line, finding.rule.id)).collect();
        let missing: Vec<_> = expected.difference(&found).collect();
        let unexpected: Vec<_> = found.difference(&expected).collect();
        assert!(missing.is_empty(), "{guide}: not found: {missing:?}");
        assert!(unexpected.is_empty(), "{guide}: not expected: {unexpected:?}");
    }
}
