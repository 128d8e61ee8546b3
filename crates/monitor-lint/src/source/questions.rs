//! A query in PromQL or LogQL, and who asks it.

use promql_parser::parser::{self, Expr};

use super::{Origin, Place};
use crate::logql::LogExpression;
use crate::query::variables;

/// How many lines a query has in its file at most: where words of it are looked for.
const LINES_MAX: usize = 60;

#[derive(Debug)]
pub(crate) struct Query<'f> {
    origin: Origin<'f>,
    /// The line in its text, counted from 1.
    line: usize,
    column: usize,
    /// As it is written, without the quotes of its file.
    pub(crate) text: String,
    pub(crate) subject: Subject,
    /// How a panel calls its lines; empty where it does not say.
    pub(crate) legend: String,
    pub(crate) ast: Ast,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    Alert(String),
    Record(String),
    Panel(String),
    /// A block of a document; the comment above the query.
    Block(String),
    /// Whoever types a command.
    Command,
}

#[derive(Debug)]
pub(crate) enum Ast {
    Promql(Box<Expr>),
    Logql(LogExpression),
    /// Why it is neither.
    Broken(String),
}

/// What a query is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Promql,
    Logql,
    /// LogQL where it can be read so, else PromQL.
    LogqlFirst,
    /// Nothing says it: PromQL where it can be read so.
    Unknown,
}

impl<'f> Query<'f> {
    pub(crate) fn read(
        origin: Origin<'f>,
        (line, column): (usize, usize),
        text: &str,
        subject: Subject,
        language: Language,
    ) -> Self {
        let ast = Ast::read(text, language);
        Self {
            origin,
            line,
            column,
            text: text.trim().to_owned(),
            subject,
            legend: String::new(),
            ast,
        }
    }

    pub(crate) fn promql(&self) -> Option<&Expr> {
        match &self.ast {
            Ast::Promql(expression) => Some(expression),
            _ => None,
        }
    }

    pub(crate) fn logql(&self) -> Option<&LogExpression> {
        match &self.ast {
            Ast::Logql(expression) => Some(expression),
            _ => None,
        }
    }

    /// Where it begins.
    pub(crate) fn place(&self) -> Place<'f> {
        self.origin.place(self.line, self.column)
    }

    /// Where these words of it stand first; where it begins when they are not found.
    pub(crate) fn place_of(&self, words: &str) -> Place<'f> {
        let start = self.place();
        let lines = start.file.text.lines().enumerate().skip(start.line - 1).take(LINES_MAX);
        for (index, line) in lines {
            let from = if index + 1 == start.line { start.column - 1 } else { 0 };
            let Some(part) = line.get(from.min(line.len())..) else { continue };
            if let Some(at) = find_word(part, words) {
                return Place { file: start.file, line: index + 1, column: from + at + 1 };
            }
        }
        start
    }

    /// The title of the panel, or the comment above the query.
    pub(crate) fn title(&self) -> &str {
        match &self.subject {
            Subject::Panel(title) | Subject::Block(title) => title,
            _ => "",
        }
    }

    pub(crate) fn is_alert(&self) -> bool {
        matches!(self.subject, Subject::Alert(_))
    }
}

impl Ast {
    fn read(text: &str, language: Language) -> Self {
        let expanded = variables::expand(text);
        let logql = LogExpression::parse(&expanded);
        match (language, logql) {
            (Language::Logql | Language::LogqlFirst, Ok(expression)) => {
                return Self::Logql(expression);
            }
            (Language::Logql, Err(error)) => return Self::Broken(error.to_string()),
            _ => {}
        }
        match parser::parse(&expanded) {
            Ok(expression) => Self::Promql(Box::new(expression)),
            Err(why) => match LogExpression::parse(&expanded) {
                Ok(expression) => Self::Logql(expression),
                Err(_) => Self::Broken(plain(&why)),
            },
        }
    }
}

/// The parser's message in one line.
fn plain(why: &str) -> String {
    why.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Where the words stand as words, not as a part of a longer one.
fn find_word(line: &str, words: &str) -> Option<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let found = line.match_indices(words).find(|(at, _)| {
        let before = line[..*at].chars().next_back();
        let after = line[at + words.len()..].chars().next();
        let joins = |outer: Option<char>, inner: Option<char>| {
            outer.is_some_and(is_part) && inner.is_some_and(is_part)
        };
        !joins(before, words.chars().next()) && !joins(after, words.chars().next_back())
    });
    found.map(|(at, _)| at)
}
