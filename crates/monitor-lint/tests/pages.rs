//! Each rule has a page, and finds what the page calls wrong and nothing in what it calls right.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use campanile_monitor_lint::{Catalogue, File, Finding, RULES, lint};

const HEADINGS: [&str; 4] = ["What", "Why", "Wrong", "Right"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint")
}

fn page(id: &str) -> String {
    let path = folder().join(format!("{id}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands below a heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let below = page.split_once(&format!("## {heading}\n")).map_or("", |(_, below)| below);
    below.split("\n## ").next().unwrap_or_default()
}

/// What is found in a section. A block of an exposition, or of a list of metrics, is its catalogue.
fn findings(page: &str, heading: &str) -> Vec<Finding> {
    let text = section(page, heading).to_owned();
    let block = text.split_once("```prometheus\n").and_then(|(_, rest)| rest.split_once("```"));
    let catalogue =
        block.map(|(block, _)| Catalogue::parse(block).expect("it is one")).unwrap_or_default();
    lint(&[File { path: "page.md".to_owned(), text }], &catalogue)
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let ids: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(ids.len(), RULES.len(), "no rule is there twice");
    let files = fs::read_dir(folder()).expect("there is a folder");
    let pages = files.map(|file| file.expect("it can be read").file_name());
    let names = pages.filter_map(|name| Some(name.to_str()?.strip_suffix(".md")?.to_owned()));
    let pages: BTreeSet<String> = names.filter(|name| name != "README").collect();
    assert_eq!(pages, ids);
    for id in ids {
        let page = page(&id);
        assert!(page.starts_with(&format!("# {id}\n")), "{id} has another title");
        for heading in HEADINGS {
            assert!(!section(&page, heading).trim().is_empty(), "{id} says nothing of {heading}");
        }
    }
}

#[test]
fn a_rule_finds_what_its_page_calls_wrong_and_nothing_else_there() {
    for rule in RULES {
        let found = findings(&page(rule.id), "Wrong");
        assert!(found.iter().any(|finding| finding.rule.id == rule.id), "{}: {found:#?}", rule.id);
        let others: Vec<_> = found.iter().filter(|one| one.rule.id != rule.id).collect();
        let excused = rule.id == "allow-without-reason";
        assert!(others.is_empty() || excused, "{}: {others:#?}", rule.id);
    }
}

#[test]
fn nothing_is_found_in_what_a_page_calls_right() {
    for rule in RULES {
        let found = findings(&page(rule.id), "Right");
        assert!(found.is_empty(), "{}: {found:#?}", rule.id);
    }
}
