//! What was found: where, by which rule, why it is wrong, and what is better.

use std::fmt;

use crate::source::{Board, File, Panel, Place, Query, Rule as SourceRule, Subject};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It says less than it could.
    Info,
    /// It misleads, or works by chance.
    Warning,
    /// It does not work, or never says what it should.
    Error,
}

impl Severity {
    /// The word for it: `info`, `warning` or `error`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A rule: each has a page of its own, `docs/lint/<id>.md`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as findings and `# lint: allow` have it.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What is wrong where it is broken, in half a sentence.
    pub says: &'static str,
}

impl Rule {
    pub(crate) const fn error(id: &'static str, says: &'static str) -> Self {
        Self { id, severity: Severity::Error, says }
    }

    pub(crate) const fn warning(id: &'static str, says: &'static str) -> Self {
        Self { id, severity: Severity::Warning, says }
    }

    pub(crate) const fn info(id: &'static str, says: &'static str) -> Self {
        Self { id, severity: Severity::Info, says }
    }
}

/// A broken rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The path of the file, as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
    /// Which rule is broken.
    pub rule: &'static Rule,
    /// The name of the alert, where it is about one.
    pub alert: Option<String>,
    /// The title of the panel, where it is about one.
    pub panel: Option<String>,
    /// The query, where it is about one.
    pub query: Option<String>,
    /// Why it is wrong.
    pub why: String,
    /// What is better.
    pub better: String,
    /// What a program may change by itself, where that is safe.
    pub fix: Option<Fix>,
}

/// A change of the line that a finding is about, which changes nothing that was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Each of these words in the line becomes others.
    Replace {
        /// As they stand there.
        from: String,
        /// What comes in their place.
        to: String,
    },
    /// The line goes.
    RemoveLine,
}

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    /// A finding at a place.
    pub(crate) fn at(
        &mut self,
        rule: &'static Rule,
        place: Place<'_>,
        why: impl Into<String>,
        better: impl Into<String>,
    ) -> &mut Finding {
        self.findings.push(Finding {
            file: place.file.path.clone(),
            line: place.line,
            column: place.column,
            rule,
            alert: None,
            panel: None,
            query: None,
            why: why.into(),
            better: better.into(),
            fix: None,
        });
        self.findings.last_mut().expect("it was just put there")
    }

    /// A finding about a query, at the first place where these words of it stand.
    pub(crate) fn query(
        &mut self,
        rule: &'static Rule,
        query: &Query<'_>,
        words: &str,
        why: impl Into<String>,
        better: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.at(rule, query.place_of(words), why, better);
        finding.query = Some(query.text.clone());
        match &query.subject {
            Subject::Alert(name) => finding.alert = Some(name.clone()),
            Subject::Panel(title) => finding.panel = Some(title.clone()),
            Subject::Record(_) | Subject::Block(_) | Subject::Command => {}
        }
        finding
    }

    /// A finding about a rule for Prometheus, not about its query.
    pub(crate) fn rule(
        &mut self,
        rule: &'static Rule,
        (about, place): (&SourceRule<'_>, Place<'_>),
        why: impl Into<String>,
        better: impl Into<String>,
    ) {
        let alert = about.alert().map(str::to_owned);
        self.at(rule, place, why, better).alert = alert;
    }

    /// A finding about a panel.
    pub(crate) fn panel(
        &mut self,
        rule: &'static Rule,
        (board, panel): (&Board<'_>, &Panel),
        why: impl Into<String>,
        better: impl Into<String>,
    ) {
        let place = panel
            .node
            .entry("title")
            .map_or(board.origin.of_node(&panel.node), |(key, _)| board.origin.of_key(key));
        self.at(rule, place, why, better).panel = Some(panel.title.clone());
    }
}

/// The line that a finding is about.
pub(crate) fn line_of<'f>(finding: &Finding, files: &'f [File]) -> Option<&'f str> {
    files.iter().find(|file| file.path == finding.file)?.line(finding.line)
}
