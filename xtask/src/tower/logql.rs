//! Every LogQL expression of the repository, and where it stands. Only Loki knows whether it is one.

use anyhow::{Context, Result};

use super::{RuleFile, fences};
use crate::boards::{self, Board, Datasource};

/// An expression, as Loki is asked it.
#[derive(Debug, PartialEq)]
pub(crate) struct LogQuery {
    /// The file, and what of it.
    pub(crate) place: String,
    pub(crate) expr: String,
}

/// Those of boards, of the ruler's rules, and of documents, among these files.
pub(crate) fn log_queries<'t>(
    files: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<Vec<LogQuery>> {
    let mut found = Vec::new();
    let mut take = |path: &str, what: &str, expr: &str| {
        let expr = boards::expand(expr.trim(), &boards::Variables::default());
        found.push(LogQuery { place: format!("{path}: {what}"), expr });
    };
    for (path, text) in files {
        if path.starts_with(boards::SOURCES) && path.ends_with(".toml") {
            for (panel, query) in Board::parse(path, text)?.queries(Datasource::Loki) {
                take(path, panel, &query.expr);
            }
        } else if path.starts_with("alerts/loki/") && path.ends_with(".yaml") {
            let rules = RuleFile::parse(text).with_context(|| format!("cannot read {path}"))?;
            for rule in rules.rules() {
                let name = rule.alert.as_ref().or(rule.record.as_ref());
                take(path, name.map_or("", String::as_str), &rule.expr);
            }
        } else if path.ends_with(".md") {
            for fence in fences(text).into_iter().filter(|fence| fence.language == "logql") {
                take(path, &format!("line {}", fence.line), &fence.text);
            }
        }
    }
    Ok(found)
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
            ("dashboards/source/t.toml: P", "rate({a=\"b\"}[1m])"),
            ("alerts/loki/a.yaml: A", "count_over_time({a=\"b\"}[5m]) > 1"),
            ("docs/a.md: line 4", "{a=\"b\"}"),
        ];
        let found: Vec<_> = found.iter().map(|one| (&*one.place, &*one.expr)).collect();
        assert_eq!(found, expected);
    }
}
