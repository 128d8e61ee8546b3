//! The checks as JUnit XML, the format that CI services read.

use std::fmt::Write;

use super::{Check, Report};

pub(super) fn suites(report: &Report) -> String {
    let mut suites: Vec<&str> = Vec::new();
    for check in &report.checks {
        if !suites.contains(&check.suite) {
            suites.push(check.suite);
        }
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites name=\"e2e\" tests=\"{}\" failures=\"{}\">",
        report.checks.len(),
        report.failed()
    );
    for suite in suites {
        let checks: Vec<&Check> =
            report.checks.iter().filter(|check| check.suite == suite).collect();
        let failures = checks.iter().filter(|check| check.failure.is_some()).count();
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\">",
            escaped(suite),
            checks.len()
        );
        for check in checks {
            let _ = write!(
                text,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escaped(suite),
                escaped(&check.name),
                check.took.as_secs_f64()
            );
            let _ = match &check.failure {
                None => writeln!(text, "/>"),
                Some(why) => {
                    writeln!(text, "><failure message=\"{}\"/></testcase>", escaped(why))
                }
            };
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// Text that may stand in XML and in HTML, in attributes too.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no way to write these.
            control if control.is_control() && !"\n\t".contains(control) => {
                escaped.push('\u{fffd}')
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}
