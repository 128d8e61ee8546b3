//! An expression in LogQL: which lines it selects, what it makes of them, and by what it groups.

use std::collections::BTreeSet;
use std::ops::Range;

use super::LogqlError;
use super::tokens::{Token, tokens};

type Result<T> = std::result::Result<T, LogqlError>;

macro_rules! bail {
    ($($said:tt)*) => {
        return Err(LogqlError(format!($($said)*)))
    };
}

macro_rules! ensure {
    ($holds:expr, $($said:tt)*) => {
        if !$holds {
            bail!($($said)*);
        }
    };
}

/// What an expression asks for. Which numbers it compares and adds up is not kept.
#[derive(Debug, Default, PartialEq)]
pub struct LogExpression {
    /// In the order in which they stand.
    pub pipelines: Vec<Pipeline>,
    /// By what is grouped, anywhere in the expression.
    pub groupings: Vec<LogGrouping>,
    /// Labels that `label_replace` makes.
    pub made: BTreeSet<String>,
    /// Whether it asks for another time than now.
    pub has_offset: bool,
}

/// A selector of streams, and the stages behind it.
#[derive(Debug, Default, PartialEq)]
pub struct Pipeline {
    /// What the streams have.
    pub selector: Vec<LogMatcher>,
    /// What is done with each line, in order.
    pub stages: Vec<Stage>,
}

/// `by (…)`, `without (…)` or `on (…)`, and the pipelines that it is about.
#[derive(Debug, PartialEq)]
pub struct LogGrouping {
    /// The labels that are named.
    pub labels: Vec<String>,
    /// Which of the pipelines of the expression.
    pub pipelines: Range<usize>,
}

/// A label and what it is compared with.
#[derive(Debug, PartialEq)]
pub struct LogMatcher {
    /// The name of the label.
    pub label: String,
    /// `=`, `!=`, `=~`, `!~`, or an order of numbers.
    pub operator: &'static str,
    /// As it is written, without quotes.
    pub value: String,
}

/// What is done with each line.
#[derive(Debug, PartialEq)]
pub enum Stage {
    /// `|= "text"`, and what may stand there instead.
    Line {
        /// `|=`, `!=`, `|~`, `!~`, `|>` or `!>`.
        operator: &'static str,
        /// As they are written, without quotes.
        texts: Vec<String>,
    },
    /// Labels are made of what is in the line.
    Parse {
        /// `json`, `logfmt`, `unpack`, `pattern` or `regexp`.
        parser: String,
        /// For the first two, which labels are made of which fields, or all of all.
        made: Vec<(String, String)>,
    },
    /// What labels are compared with: all of it holds, or, with `or`, some.
    Filter {
        /// In the order in which they stand.
        matchers: Vec<LogMatcher>,
        /// Whether an `or` stands between any of them.
        has_or: bool,
    },
    /// The label whose number is taken.
    Unwrap(String),
    /// New labels, each made of another, or of a template.
    Format(Vec<(String, Option<String>)>),
    /// Labels that are named to be dropped or kept.
    Select(Vec<String>),
    /// What names no label.
    Other,
}

const LINE_FILTERS: [&str; 6] = ["|=", "!=", "|~", "!~", "|>", "!>"];

const COMPARISONS: [&str; 8] = ["=", "!=", "=~", "!~", "==", ">=", "<=", ">"];

const CALCULATIONS: [&str; 12] = ["+", "-", "*", "/", "%", "^", "==", "!=", ">=", "<=", ">", "<"];

impl LogExpression {
    /// Reads a query of log lines or of numbers made of them (Loki's documentation, "LogQL").
    ///
    /// # Errors
    ///
    /// [`LogqlError`] when it is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, found: Self::default() };
        parser.expression()?;
        ensure!(parser.at == parser.tokens.len(), "{} comes after the end", parser.told());
        Ok(parser.found)
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    found: LogExpression,
}

impl Parser {
    fn expression(&mut self) -> Result<()> {
        let first = self.found.pipelines.len();
        self.operand()?;
        while self.calculation() {
            self.take_word("bool");
            for word in ["on", "ignoring", "group_left", "group_right"] {
                if self.take_word(word) && self.is_sign("(") {
                    let labels = self.names()?;
                    // What one side alone has is known of neither here.
                    if word == "on" {
                        self.group(labels, first);
                    }
                }
            }
            self.operand()?;
        }
        Ok(())
    }

    fn calculation(&mut self) -> bool {
        ["and", "or", "unless"].iter().any(|word| self.take_word(word))
            || CALCULATIONS.iter().any(|sign| self.take_sign(sign))
    }

    fn operand(&mut self) -> Result<()> {
        self.take_sign("-");
        match self.tokens.get(self.at) {
            Some(Token::Number(_)) => {
                self.at += 1;
                Ok(())
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                self.expression()?;
                self.sign(")")
            }
            Some(Token::Sign("{")) => self.pipeline(),
            Some(Token::Word(_)) => self.call(),
            _ => bail!("{} is no expression", self.told()),
        }
    }

    /// `name(…)`, with a grouping on either side of what it is called with.
    fn call(&mut self) -> Result<()> {
        let name = self.word()?;
        let first = self.found.pipelines.len();
        let before = self.grouping()?;
        self.sign("(")?;
        let mut texts = Vec::new();
        while !self.take_sign(")") {
            match self.tokens.get(self.at) {
                Some(Token::Text(text)) => {
                    texts.push(text.clone());
                    self.at += 1;
                }
                _ => self.expression()?,
            }
            if !self.is_sign(")") {
                self.sign(",")?;
            }
        }
        if name == "label_replace" {
            self.found.made.extend(texts.into_iter().next());
        }
        if let Some(labels) = before.or(self.grouping()?) {
            self.group(labels, first);
        }
        Ok(())
    }

    fn group(&mut self, labels: Vec<String>, first: usize) {
        let pipelines = first..self.found.pipelines.len();
        self.found.groupings.push(LogGrouping { labels, pipelines });
    }

    fn grouping(&mut self) -> Result<Option<Vec<String>>> {
        let groups = self.take_word("by") || self.take_word("without");
        groups.then(|| self.names()).transpose()
    }

    /// `(a, b)`
    fn names(&mut self) -> Result<Vec<String>> {
        self.sign("(")?;
        let mut names = Vec::new();
        while !self.take_sign(")") {
            names.push(self.word()?);
            if !self.is_sign(")") {
                self.sign(",")?;
            }
        }
        Ok(names)
    }

    fn pipeline(&mut self) -> Result<()> {
        self.sign("{")?;
        let mut pipeline = Pipeline::default();
        while !self.take_sign("}") {
            pipeline.selector.push(self.matcher()?);
            if !self.is_sign("}") {
                self.sign(",")?;
            }
        }
        loop {
            if self.take_sign("[") {
                ensure!(self.value().is_some(), "{} is no duration", self.told());
                self.sign("]")?;
            } else if self.take_word("offset") {
                self.found.has_offset = true;
                self.take_sign("-");
                ensure!(self.value().is_some(), "{} is no duration", self.told());
            } else if let Some(operator) = self.any_sign(&LINE_FILTERS) {
                pipeline.stages.push(self.line_filter(operator)?);
            } else if self.take_sign("|") {
                let stage = self.stage()?;
                pipeline.stages.push(stage);
            } else {
                break;
            }
        }
        self.found.pipelines.push(pipeline);
        Ok(())
    }

    fn line_filter(&mut self, operator: &'static str) -> Result<Stage> {
        let mut texts = Vec::new();
        loop {
            if self.take_word("ip") {
                self.sign("(")?;
                self.text()?;
                self.sign(")")?;
            } else {
                texts.push(self.text()?);
            }
            if !self.take_word("or") {
                return Ok(Stage::Line { operator, texts });
            }
        }
    }

    fn stage(&mut self) -> Result<Stage> {
        if self.is_sign("(") {
            return self.filter();
        }
        let name = self.word()?;
        match name.as_str() {
            "json" => Ok(Stage::Parse { parser: name, made: self.extractions()? }),
            "logfmt" => {
                self.flags()?;
                Ok(Stage::Parse { parser: name, made: self.extractions()? })
            }
            "unpack" => Ok(Stage::Parse { parser: name, made: Vec::new() }),
            "regexp" | "pattern" => {
                let made = captures(&self.text()?).into_iter();
                let made = made.map(|name| (name.clone(), name)).collect();
                Ok(Stage::Parse { parser: name, made })
            }
            "unwrap" => self.unwrap(),
            "label_format" => self.label_format(),
            "drop" | "keep" => self.selection(),
            "line_format" => self.text().map(|_| Stage::Other),
            "decolorize" => Ok(Stage::Other),
            _ => {
                self.at -= 1;
                self.filter()
            }
        }
    }

    /// `--strict --keep-empty`
    fn flags(&mut self) -> Result<()> {
        while self.take_sign("--") {
            let mut flag = self.word()?;
            while self.take_sign("-") {
                flag = format!("{flag}-{}", self.word()?);
            }
            ensure!(["strict", "keep-empty"].contains(&flag.as_str()), "logfmt knows no --{flag}");
        }
        Ok(())
    }

    /// `a="b", c`: labels, and the fields that they are made of.
    fn extractions(&mut self) -> Result<Vec<(String, String)>> {
        let mut made = Vec::new();
        while self.is_word() {
            let label = self.word()?;
            let field = if self.take_sign("=") { self.text()? } else { label.clone() };
            made.push((label, field));
            if !self.take_sign(",") {
                break;
            }
        }
        Ok(made)
    }

    /// `unwrap a` or `unwrap duration(a)`
    fn unwrap(&mut self) -> Result<Stage> {
        let name = self.word()?;
        if !self.take_sign("(") {
            return Ok(Stage::Unwrap(name));
        }
        let label = self.word()?;
        self.sign(")")?;
        Ok(Stage::Unwrap(label))
    }

    /// `a=b, c="template"`
    fn label_format(&mut self) -> Result<Stage> {
        let mut made = Vec::new();
        loop {
            let label = self.word()?;
            self.sign("=")?;
            let of = if self.is_word() { Some(self.word()?) } else { self.text().map(|_| None)? };
            made.push((label, of));
            if !self.take_sign(",") {
                return Ok(Stage::Format(made));
            }
        }
    }

    /// `a, b="c"`
    fn selection(&mut self) -> Result<Stage> {
        let mut labels = Vec::new();
        loop {
            labels.push(self.word()?);
            if self.any_sign(&COMPARISONS).is_some() {
                self.text()?;
            }
            if !self.take_sign(",") {
                return Ok(Stage::Select(labels));
            }
        }
    }

    fn filter(&mut self) -> Result<Stage> {
        let (mut matchers, mut has_or, mut open) = (Vec::new(), false, 0);
        loop {
            while self.take_sign("(") {
                open += 1;
            }
            matchers.push(self.matcher()?);
            while open > 0 && self.take_sign(")") {
                open -= 1;
            }
            has_or |= self.is_next_word("or");
            let goes_on = self.take_word("and") || self.take_word("or") || self.take_sign(",");
            if !goes_on && !self.is_word() {
                ensure!(open == 0, "{} stands where `)` should", self.told());
                return Ok(Stage::Filter { matchers, has_or });
            }
        }
    }

    /// `a="b"`, `a>5m`, `a=ip("…")`
    fn matcher(&mut self) -> Result<LogMatcher> {
        let label = self.word()?;
        let Some(operator) = self.any_sign(&COMPARISONS).or_else(|| self.any_sign(&["<"])) else {
            bail!("{} stands where `{label}` should be compared", self.told());
        };
        if self.take_word("ip") {
            self.sign("(")?;
            let value = self.text()?;
            self.sign(")")?;
            return Ok(LogMatcher { label, operator, value });
        }
        let value = self.value();
        let Some(value) = value else { bail!("{} is no value of `{label}`", self.told()) };
        Ok(LogMatcher { label, operator, value })
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign)
    }

    fn is_word(&self) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(_)))
    }

    fn is_next_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found == word)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is = self.is_sign(sign);
        self.at += usize::from(is);
        is
    }

    fn any_sign(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        signs.iter().find(|sign| self.take_sign(sign)).copied()
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_next_word(word);
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, sign: &str) -> Result<()> {
        ensure!(self.take_sign(sign), "{} stands where `{sign}` should", self.told());
        Ok(())
    }

    fn word(&mut self) -> Result<String> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else {
            bail!("{} is no name", self.told());
        };
        self.at += 1;
        Ok(word.clone())
    }

    fn text(&mut self) -> Result<String> {
        let Some(Token::Text(text)) = self.tokens.get(self.at) else {
            bail!("{} stands where a text should", self.told());
        };
        self.at += 1;
        Ok(text.clone())
    }

    fn value(&mut self) -> Option<String> {
        let (Token::Text(value) | Token::Number(value)) = self.tokens.get(self.at)? else {
            return None;
        };
        self.at += 1;
        Some(value.clone())
    }

    /// What stands here, for complaints.
    fn told(&self) -> String {
        match self.tokens.get(self.at) {
            None => "the end".to_owned(),
            Some(Token::Text(text)) => format!("\"{text}\""),
            Some(Token::Word(text) | Token::Number(text)) => format!("`{text}`"),
            Some(Token::Sign(sign)) => format!("`{sign}`"),
        }
    }
}

/// The names in `<name>` and `(?P<name>…)`.
fn captures(pattern: &str) -> Vec<String> {
    let parts = pattern.split('<').skip(1).filter_map(|part| part.split_once('>'));
    let names = parts.map(|(name, _)| name.to_owned());
    names.filter(|name| !name.is_empty() && name != "_").collect()
}

#[cfg(test)]
mod tests;
