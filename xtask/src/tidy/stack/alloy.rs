//! The way of the lines: Alloy reads what the engine writes, tells the services apart, and sends all
//! of it to Loki, with the labels that boards and rules ask for.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_EQL_REGEX;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::compose::{Compose, Inside};
use super::loki;
use crate::boards::{self, Board, Datasource};
use crate::e2e;
use crate::tower::RuleFile;

const FILE: &str = "deploy/alloy/config.alloy";

const SERVICE: &str = "alloy";

/// What a component gives to others.
const EXPORTS: [&str; 2] = [".receiver", ".targets"];

/// The part of a container's name that is the service, by the name of its group.
const GROUP: &str = "service";

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let Some(text) = tree.text(FILE) else { return vec![Finding::about(FILE, "is missing")] };
    let mut findings = ways(text);
    for (number, url) in values(text, "url") {
        findings.extend(endpoint(tree, compose, &url).map(|what| Finding::at(FILE, number, what)));
    }
    for (number, path) in values(text, "__path__") {
        if !matches!(compose.inside(SERVICE, &path), Inside::Host(_)) {
            let what = format!("`__path__`: `{path}` is not mounted");
            findings.push(Finding::at(FILE, number, what));
        }
    }
    for (number, expression) in values(text, "expression") {
        let wrong = tells_services_apart(compose, &expression);
        findings.extend(wrong.map(|what| Finding::at(FILE, number, what)));
    }
    let jobs: BTreeSet<String> = values(text, "job").map(|(_, job)| job).collect();
    for (path, job) in asked_jobs(tree).into_iter().filter(|(_, job)| !jobs.contains(job)) {
        let what = format!("asks for the job `{job}`, which {FILE} gives to no line");
        findings.push(Finding::about(&path, what));
    }
    findings
}

/// Whether the components lead to each other.
fn ways(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if text.matches(['{', '[', '(']).count() != text.matches(['}', ']', ')']).count() {
        findings.push(Finding::about(FILE, "opens what it does not close"));
    }
    let components: BTreeSet<String> =
        lines(text).filter_map(|(_, line)| component(line)).collect();
    let used: Vec<(usize, &str)> =
        lines(text).flat_map(|(number, line)| uses(line).map(move |used| (number, used))).collect();
    let unknown = used.iter().filter(|(_, used)| !components.contains(*used));
    findings.extend(unknown.map(|(number, used)| {
        Finding::at(FILE, *number, format!("there is no component `{used}`"))
    }));
    let used: BTreeSet<&str> = used.into_iter().map(|(_, used)| used).collect();
    // A source begins the way; all others are on it.
    let others = components.iter().filter(|name| !name.contains(".source."));
    let lost = others.filter(|name| !used.contains(name.as_str()));
    findings.extend(lost.map(|name| Finding::about(FILE, format!("nothing comes to `{name}`"))));
    findings
}

/// The lines with their numbers, without what is only a comment.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Every text that is given to the key, and the line in which it is.
fn values<'t>(text: &'t str, key: &'t str) -> impl Iterator<Item = (usize, String)> {
    lines(text).filter_map(move |(number, line)| Some((number, value(line, key)?)))
}

/// The component that a line begins: `loki.write "loki" {` is `loki.write.loki`.
fn component(line: &str) -> Option<String> {
    let (kind, rest) = line.strip_suffix('{')?.split_once(" \"")?;
    let label = rest.trim_end().strip_suffix('"')?;
    (!kind.starts_with(' ')).then(|| format!("{kind}.{label}"))
}

/// The components whose exports a line names.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|letter: char| !letter.is_alphanumeric() && !"._".contains(letter));
    words.filter_map(|word| EXPORTS.iter().find_map(|export| word.strip_suffix(export)))
}

/// The text that a line gives to a key, wherever in the line that is.
fn value(line: &str, key: &str) -> Option<String> {
    let (at, _) = line.match_indices(key).find(|(at, _)| {
        let before = line[..*at].chars().next_back();
        let after = line[at + key.len()..].trim_start();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
            && after.starts_with('=')
    })?;
    let rest = line[at + key.len()..].trim_start().strip_prefix('=')?.trim_start();
    let end = rest.strip_prefix('"')?.find('"')?;
    Some(rest[1..=end].replace("\\\\", "\\"))
}

fn endpoint(tree: &Tree, compose: &Compose, url: &str) -> Option<String> {
    let lost = compose.unreachable(SERVICE, url).map(|why| format!("`url`: {why}"));
    let port = loki::port(tree).map(|port| format!("http://loki:{port}/loki/api/v1/push"));
    lost.or_else(|| {
        (port.as_deref() != Some(url)).then(|| format!("`url`: Loki takes lines at {port:?}"))
    })
}

/// Whether the service is taken from the name of each container, of the stack that people start and of
/// the one under test.
fn tells_services_apart(compose: &Compose, expression: &str) -> Option<String> {
    let matcher = Matcher::new_matcher(T_EQL_REGEX, String::new(), expression.to_owned());
    let Ok(Matcher { op: MatchOp::Re(pattern), .. }) = matcher else {
        return Some(format!("`expression`: `{expression}` is no pattern"));
    };
    let projects = [compose.file.name.as_str(), e2e::PROJECT];
    for project in projects {
        for service in compose.file.services.keys() {
            let container = format!("{project}-{service}-1");
            let found = pattern.captures(&container);
            let found =
                found.as_ref().and_then(|found| found.name(GROUP)).map(|part| part.as_str());
            if found != Some(service.as_str()) {
                return Some(format!("`expression`: the service of `{container}` is {found:?}"));
            }
        }
    }
    None
}

/// The jobs that boards and rules on logs ask for, and where.
fn asked_jobs(tree: &Tree) -> BTreeSet<(String, String)> {
    let mut asked = BTreeSet::new();
    let mut ask = |path: &str, query: &str| {
        for part in query.split("job=\"").skip(1) {
            let job = part.split('"').next().unwrap_or_default();
            asked.insert((path.to_owned(), job.to_owned()));
        }
    };
    for (path, text) in tree.below("alerts/loki", "yaml") {
        let file = RuleFile::parse(text).ok();
        file.iter().flat_map(RuleFile::rules).for_each(|rule| ask(path, &rule.expr));
    }
    for (path, text) in tree.below(boards::SOURCES, "toml") {
        let board = Board::parse(path, text).ok();
        let queries = board.iter().flat_map(|board| board.queries(Datasource::Loki));
        queries.for_each(|(_, query)| ask(path, &query.expr));
    }
    asked
}
