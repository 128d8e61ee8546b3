//! What LogQL asks for is in the contract of the log: labels of streams, fields of lines, events and
//! what each of them has.

use std::collections::{BTreeMap, BTreeSet};

use super::super::finding::Finding;
use super::super::tree::Tree;
use crate::tower::{
    LOGS, LogContract, LogEvent, LogExpression, LogMatcher, LogQuery, Pipeline, Stage, log_queries,
};

/// The job of our lines; the contract says nothing of those of others.
const OURS: &str = "chat-server";

/// What Loki adds to a label that a field is named like.
const TWICE: &str = "_extracted";

/// What Loki tells of a line that a stage could not read.
const OF_STAGES: [&str; 2] = ["__error__", "__error_details__"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    // What cannot be read as a board or as rules is said where all of those are read.
    let readable =
        tree.files().filter(|(path, text)| log_queries([(*path, *text)].into_iter()).is_ok());
    let queries = log_queries(readable).unwrap_or_default();
    if queries.is_empty() {
        return Vec::new();
    }
    let contract = match LogContract::parse(tree.text(LOGS).unwrap_or_default()) {
        Ok(contract) => contract,
        Err(error) => return vec![Finding::about(LOGS, format!("{error:#}"))],
    };
    queries.iter().flat_map(|query| check_query(&contract, query)).collect()
}

fn check_query(contract: &LogContract, query: &LogQuery) -> Vec<Finding> {
    let wrong = match LogExpression::parse(&query.expr) {
        Ok(expression) => check_expression(contract, &expression),
        Err(error) => vec![format!("no LogQL: {error:#}: {}", query.expr)],
    };
    let wrong: BTreeSet<String> = wrong.into_iter().collect();
    wrong.into_iter().map(|what| Finding::at(&query.path, query.line, what)).collect()
}

fn check_expression(contract: &LogContract, expression: &LogExpression) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known = Vec::new();
    for pipeline in &expression.pipelines {
        let mut walk = Walk::begin(contract, pipeline);
        walk.all(pipeline);
        wrong.append(&mut walk.wrong);
        known.push(walk.names_all.then_some(walk.known));
    }
    for grouping in &expression.groupings {
        let Some(below) = known.get(grouping.pipelines.clone()) else { continue };
        for label in &grouping.labels {
            let has =
                |known: &Option<Known>| known.as_ref().is_none_or(|known| known.has(label).is_ok());
            if !expression.made.contains(label) && !below.is_empty() && !below.iter().any(has) {
                wrong.push(format!("nothing that is grouped by `{label}` has it"));
            }
        }
    }
    wrong
}

/// Which labels a line has at some stage.
struct Known {
    names: BTreeSet<String>,
    /// Those of fields that the events at hand have not.
    absent: BTreeMap<String, String>,
}

impl Known {
    fn has(&self, label: &str) -> Result<(), String> {
        if self.names.contains(label) || OF_STAGES.contains(&label) {
            return match self.absent.get(label) {
                None => Ok(()),
                Some(events) => Err(format!("`{label}` is no field of {events}")),
            };
        }
        Err(format!("there is no label or field `{label}` at this place"))
    }
}

/// The way of a line through the stages of a pipeline.
struct Walk<'c> {
    contract: &'c LogContract,
    known: Known,
    /// The events that a line can be of, once something says so.
    events: Option<BTreeSet<&'c str>>,
    /// Whether what a line has is known at all: not of those of others.
    names_all: bool,
    wrong: Vec<String>,
}

impl<'c> Walk<'c> {
    fn begin(contract: &'c LogContract, pipeline: &Pipeline) -> Self {
        let known = Known { names: contract.labels.clone(), absent: BTreeMap::new() };
        let is_other = |matcher: &LogMatcher| {
            matcher.label == "job" && matcher.operator == "=" && matcher.value != OURS
        };
        let names_all = !pipeline.selector.iter().any(is_other);
        Self { contract, known, events: None, names_all, wrong: Vec::new() }
    }

    fn all(&mut self, pipeline: &Pipeline) {
        for matcher in &pipeline.selector {
            let label = &matcher.label;
            if !self.contract.labels.contains(label) {
                self.wrong.push(format!("streams have no label `{label}`: {LOGS} has them all"));
            }
            self.value(matcher);
        }
        if !self.names_all {
            return;
        }
        // What narrows lines down does so wherever it stands.
        let filters = pipeline.stages.iter().flat_map(|stage| match stage {
            Stage::Filter { matchers, has_or: false } => matchers.as_slice(),
            _ => &[],
        });
        let mut matchers: Vec<&LogMatcher> = pipeline.selector.iter().chain(filters).collect();
        // A level says something of events once something else has said that these are events.
        matchers.sort_by_key(|matcher| matcher.label == "level");
        self.narrow(&matchers);
        self.forget_absent();
        pipeline.stages.iter().for_each(|stage| self.stage(stage));
    }

    fn stage(&mut self, stage: &Stage) {
        match stage {
            Stage::Line { operator: "|=", texts } => {
                for text in texts.iter().filter(|text| !self.contract.is_told(text)) {
                    self.wrong.push(format!("no line of ours has `{text}` in its words"));
                }
            }
            Stage::Parse { parser, made } => self.parse(parser, made),
            Stage::Filter { matchers, .. } => {
                for matcher in matchers {
                    self.use_of(&matcher.label);
                    self.value(matcher);
                }
            }
            Stage::Unwrap(label) => self.use_of(label),
            Stage::Format(made) => {
                for (label, of) in made {
                    of.iter().for_each(|of| self.use_of(of));
                    self.known.names.insert(label.clone());
                }
            }
            Stage::Select(labels) => labels.iter().for_each(|label| self.use_of(label)),
            Stage::Line { .. } | Stage::Other => {}
        }
    }

    fn parse(&mut self, parser: &str, made: &[(String, String)]) {
        match parser {
            "json" if made.is_empty() => {
                for field in &self.contract.fields {
                    let is_label = self.contract.labels.contains(field);
                    let suffix = if is_label { TWICE } else { "" };
                    self.known.names.insert(format!("{field}{suffix}"));
                }
            }
            "json" => {
                for (label, path) in made {
                    let field = path.split(['.', '[']).next().unwrap_or_default();
                    if !self.contract.fields.contains(field) {
                        self.wrong.push(format!("no line has a field `{field}`"));
                    } else if let Some(events) = self.known.absent.get(field) {
                        self.wrong.push(format!("`{field}` is no field of {events}"));
                    }
                    self.known.names.insert(label.clone());
                }
            }
            "logfmt" | "unpack" => {
                self.wrong.push(format!("`| {parser}` reads none of our lines: they are JSON"));
            }
            _ => self.known.names.extend(made.iter().map(|(label, _)| label.clone())),
        }
    }

    fn use_of(&mut self, label: &str) {
        if let Err(mut what) = self.known.has(label) {
            if self.contract.fields.contains(label) && !self.known.names.contains(label) {
                what.push_str(": `| json` makes labels of fields");
            }
            self.wrong.push(what);
        }
    }

    /// Whether what a label is compared with can be.
    fn value(&mut self, matcher: &LogMatcher) {
        let LogMatcher { label, .. } = matcher;
        for value in values(matcher) {
            let may_be = match label.as_str() {
                "event" => self.contract.events.contains_key(value),
                "level" => LogContract::is_level(value),
                _ => self.contract.may_be(label, value),
            };
            if !may_be {
                self.wrong.push(format!("`{label}` is never `{value}`"));
            }
        }
    }

    /// Keeps the events that all of this can be said of.
    fn narrow(&mut self, matchers: &[&LogMatcher]) {
        let says_what_is = |matcher: &&&LogMatcher| ["=", "=~"].contains(&matcher.operator);
        for matcher in matchers.iter().filter(says_what_is) {
            let values: Vec<&str> = values(matcher).collect();
            let label = matcher.label.as_str();
            let is_constant = |event: &LogEvent| event.constants.contains_key(label);
            let says = match label {
                "event" => true,
                "level" => self.events.is_some(),
                _ => self.contract.events.values().any(is_constant),
            };
            // A pattern may stand for more than what can be told apart.
            let parts = matcher.value.split(|letter| matcher.operator == "=~" && letter == '|');
            if values.len() < parts.count() || !says {
                continue;
            }
            let all = || self.contract.events.keys().map(String::as_str).collect();
            let mut events: BTreeSet<&str> = self.events.take().unwrap_or_else(all);
            events.retain(|name| {
                let event = &self.contract.events[*name];
                let value = match label {
                    "event" => Some(*name),
                    "level" => Some(event.level.as_str()),
                    _ => event.constants.get(label).map(String::as_str),
                };
                value.is_some_and(|value| values.contains(&value))
            });
            self.events = Some(events);
        }
    }

    /// Notes the fields that none of the events at hand has.
    fn forget_absent(&mut self) {
        let Some(events) = &self.events else { return };
        if events.is_empty() {
            self.wrong.push("no event is all of what is asked for".to_owned());
            return;
        }
        let told = events.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let has = |field: &String| {
            let contract = self.contract;
            contract.common.contains(field)
                || contract.labels.contains(field)
                || events.iter().any(|name| contract.events[*name].fields.contains(field))
        };
        let absent = self.contract.fields.iter().filter(|field| !has(field));
        self.known.absent = absent.map(|field| (field.clone(), told.clone())).collect();
    }
}

/// The values that are told apart, where a pattern is no more than these.
fn values(matcher: &LogMatcher) -> impl Iterator<Item = &str> {
    let is_plain = |value: &&str| {
        value.chars().all(|letter| letter.is_alphanumeric() || "_- ".contains(letter))
    };
    let several = matcher.operator.ends_with('~');
    let is_equality = matches!(matcher.operator, "=" | "!=" | "=~" | "!~");
    let parts = matcher.value.split(move |letter| several && letter == '|');
    // That a label is not there is a value of any.
    parts.filter(|value| !value.is_empty()).filter(is_plain).filter(move |_| is_equality)
}

#[cfg(test)]
mod tests;
