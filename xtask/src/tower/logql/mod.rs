//! Every LogQL expression of the repository, and where it stands; and the contract of the log, which
//! it is held against.

mod contract;
#[cfg(test)]
mod matching;

use anyhow::{Context, Result, anyhow};

use super::{DATASOURCES, DatasourceFile, RuleFile, fences, is_wrong_on_purpose};
use crate::boards::{self, Board, Datasource};
pub(crate) use campanile_monitor_lint::logql::{LogExpression, LogMatcher, Pipeline, Stage};
#[cfg(test)]
pub(crate) use contract::tests::REFERENCE;
pub(crate) use contract::{LOGS, LogContract, LogEvent};

/// An expression, as Loki is asked it.
#[derive(Debug, PartialEq)]
pub(crate) struct LogQuery {
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The panel, the rule or the place in a document.
    pub(crate) what: String,
    pub(crate) expr: String,
}

impl LogQuery {
    /// The file, and what of it.
    pub(crate) fn place(&self) -> String {
        format!("{}: {}", self.path, self.what)
    }
}

/// Those of boards, of the ruler's rules, of links from exemplars, and of documents, among these files.
pub(crate) fn log_queries<'t>(
    files: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<Vec<LogQuery>> {
    let mut found = Vec::new();
    let mut take = |path: &str, line: usize, what: &str, expr: &str| {
        let expr = boards::expand(expr.trim(), &boards::Variables::default());
        found.push(LogQuery { path: path.to_owned(), line, what: what.to_owned(), expr });
    };
    for (path, text) in files {
        if path.starts_with(boards::SOURCES) && path.ends_with(".toml") {
            for (panel, query) in Board::parse(path, text)?.queries(Datasource::Loki) {
                take(path, line_of(text, panel), panel, &query.expr);
            }
        } else if path.starts_with("alerts/loki/") && path.ends_with(".yaml") {
            let rules = RuleFile::parse(text).with_context(|| format!("cannot read {path}"))?;
            for rule in rules.rules() {
                let name = rule.alert.as_ref().or(rule.record.as_ref());
                let name = name.map_or("", String::as_str);
                take(path, line_of(text, name), name, &rule.expr);
            }
        } else if path == DATASOURCES {
            for (url, expr) in linked(text)? {
                take(path, line_of(text, &url), "the link of exemplars", &expr);
            }
        } else if path.ends_with(".md") && !is_wrong_on_purpose(path) {
            for fence in fences(text).into_iter().filter(|fence| fence.language == "logql") {
                take(path, fence.line, &format!("line {}", fence.line), &fence.text);
            }
        }
    }
    Ok(found)
}

/// What exemplars lead to in Loki: each link, and what it asks.
fn linked(text: &str) -> Result<Vec<(String, String)>> {
    let file: DatasourceFile =
        serde_saphyr::from_str(text).map_err(|error| anyhow!("{DATASOURCES}: {error}"))?;
    let is_loki =
        |uid: &str| file.datasources.iter().any(|one| one.uid == uid && one.kind == "loki");
    let mut found = Vec::new();
    for link in file.datasources.iter().flat_map(|one| &one.settings.trace_destinations) {
        for pane in link.panes()?.into_iter().filter(|pane| is_loki(&pane.datasource)) {
            found.extend(pane.queries.into_iter().map(|query| (link.url.clone(), query.expr)));
        }
    }
    Ok(found)
}

/// The line, counted from 1, on which the name first stands; 1 when it does nowhere.
pub(crate) fn line_of(text: &str, name: &str) -> usize {
    text.lines().position(|line| line.contains(name)).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_rules_and_documents_are_read() {
        let board = "title = \"T\"\ndescription = \"D\"\n[[rows]]\ntitle = \"R\"\n[[rows.panels]]\ntitle = \"P\"\ndescription = \"D\"\ndatasource = \"loki\"\nqueries = [{ expr = 'rate({a=\"b\"}[$__interval])' }]\n";
        let rules = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: count_over_time({a=\"b\"}[5m]) > 1\n";
        let document = "# A\n\n```logql\n{a=\"b\"}\n```\n\n```promql\nup\n```\n";
        let files = [
            ("dashboards/source/t.toml", board),
            ("alerts/loki/a.yaml", rules),
            ("alerts/a.yaml", rules),
            ("docs/a.md", document),
        ];
        let found = log_queries(files.into_iter()).expect("they are well made");
        let expected = [
            ("dashboards/source/t.toml: P".to_owned(), 6, "rate({a=\"b\"}[1m])"),
            ("alerts/loki/a.yaml: A".to_owned(), 4, "count_over_time({a=\"b\"}[5m]) > 1"),
            ("docs/a.md: line 4".to_owned(), 4, "{a=\"b\"}"),
        ];
        let found: Vec<_> = found.iter().map(|one| (one.place(), one.line, &*one.expr)).collect();
        assert_eq!(found, expected);
    }
}
