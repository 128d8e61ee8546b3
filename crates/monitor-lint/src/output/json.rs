//! Findings for programs: an array of objects.

use serde_json::{Value, json};

use crate::finding::Finding;

/// An array of `{file, line, column, alert, panel, rule, severity, query, why, better}`; `alert`,
/// `panel` and `query` are `null` where it is about none.
#[must_use]
pub fn json(findings: &[Finding]) -> String {
    let all: Vec<Value> = findings.iter().map(object).collect();
    let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
    text.push('\n');
    text
}

fn object(finding: &Finding) -> Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "alert": finding.alert,
        "panel": finding.panel,
        "rule": finding.rule.id,
        "severity": finding.rule.severity.word(),
        "query": finding.query,
        "why": finding.why,
        "better": finding.better,
    })
}
