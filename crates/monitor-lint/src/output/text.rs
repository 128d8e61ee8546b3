//! Findings for people: the line, a caret below it, why, and what is better.

use std::fmt::Write;

use crate::finding::{Finding, Severity, line_of};
use crate::source::File;

/// Longer lines are shown from a little before the caret on.
const COLUMNS_MAX: usize = 120;

/// Each finding in a few lines, and how many there are in the end.
#[must_use]
pub fn text(findings: &[Finding], files: &[File]) -> String {
    let mut out = String::new();
    for finding in findings {
        let Finding { file, line, column, rule, why, better, .. } = finding;
        let _ =
            writeln!(out, "{file}:{line}:{column}: {}: {} [{}]", rule.severity, rule.says, rule.id);
        if let Some(shown) = line_of(finding, files) {
            excerpt(&mut out, shown, *line, *column);
        }
        let _ = writeln!(out, "  why: {why}\n  better: {better}\n");
    }
    let _ = writeln!(out, "{}", summary(findings, files));
    out
}

fn excerpt(out: &mut String, shown: &str, line: usize, column: usize) {
    let at = shown.floor_char_boundary(column - 1);
    let before = shown[..at].chars().count();
    let skipped = if shown.chars().count() > COLUMNS_MAX { before.saturating_sub(20) } else { 0 };
    let part: String = shown.chars().skip(skipped).take(COLUMNS_MAX).collect();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let _ = writeln!(out, " {number} | {}", part.trim_end());
    let _ = writeln!(out, " {margin} | {}^", " ".repeat(before - skipped));
}

fn summary(findings: &[Finding], files: &[File]) -> String {
    let count = |severity| findings.iter().filter(|one| one.rule.severity == severity).count();
    let files = match files.len() {
        1 => "1 file".to_owned(),
        more => format!("{more} files"),
    };
    if findings.is_empty() {
        return format!("{files}: nothing found");
    }
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .filter(|severity| count(*severity) > 0)
        .map(|severity| format!("{} {severity}", count(severity)))
        .collect();
    format!("{files}: {} found ({})", findings.len(), parts.join(", "))
}
