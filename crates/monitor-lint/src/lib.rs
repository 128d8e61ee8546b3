//! Finds what is wrong in anyone's alerts, dashboards, configurations and guides: queries that cannot
//! have a result, alerts that never ring or always do, configurations that are refused.
//!
//! ```
//! use campanile_monitor_lint::{Catalogue, File, lint};
//!
//! let file = File {
//!     path: "alerts.yaml".to_owned(),
//!     text: "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(up[5m]) > 0\n".to_owned(),
//! };
//! let findings = lint(&[file], &Catalogue::default());
//! assert_eq!(findings[0].rule.id, "rate-of-gauge");
//! ```

mod source;
pub mod logql;
mod query;
mod catalogue;
mod finding;
mod rules;
mod allow;
mod fix;
pub mod output;

pub use catalogue::{Catalogue, CatalogueError};
pub use finding::{Finding, Fix, Rule, Severity};
pub use fix::fix;
pub use rules::{RULES, rule};
pub use source::File;

use finding::Report;
use source::Setup;

/// What is wrong with the files, by place. Each guide in Markdown is looked at for itself, all other
/// files as one setup: rules are held against the configuration that loads them, alerts against the
/// routes that take them.
#[must_use]
pub fn lint(files: &[File], known: &Catalogue) -> Vec<Finding> {
    let mut report = Report::default();
    for setup in Setup::of(files, known) {
        rules::check(&setup, &mut report);
    }
    allow::apply(files, &mut report);
    let mut findings = report.findings;
    findings.sort_by(|one, other| key(one).cmp(&key(other)));
    findings.dedup_by(|one, other| key(one) == key(other) && one.why == other.why);
    findings
}

fn key(finding: &Finding) -> (&str, usize, usize, &str) {
    (&finding.file, finding.line, finding.column, finding.rule.id)
}
