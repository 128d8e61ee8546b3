//! Which lines the rules on logs are about: promtool cannot ask LogQL, so the lines of every event are
//! held against every rule here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{LOGS, LogContract, LogEvent, LogExpression, LogMatcher, Pipeline, Stage};
use crate::tower::RuleFile;

const RULES: &str = "alerts/loki/chat.yaml";

/// Each alert, and the events whose lines it counts. Lines of all other events are healthy to it.
const COUNTED: &[(&str, Counted)] = &[
    ("ChatAuthFailuresLogged", Counted::Events(&["authentication_failed"])),
    ("ChatErrorsLogged", Counted::Level("error")),
    ("ChatRateLimitHitsLogged", Counted::Events(&["rate_limit_hit"])),
    // Of a library, whose lines are no events.
    ("ChatSlowStatementsLogged", Counted::Events(&[])),
];

enum Counted {
    Events(&'static [&'static str]),
    Level(&'static str),
}

/// A line as Loki has it: the labels of its stream, and its text.
struct Line {
    labels: BTreeMap<String, String>,
    text: String,
}

impl Line {
    fn new(level: &str, fields: Map<String, Value>) -> Self {
        let labels = [("job", "chat-server"), ("instance", "campanile-1"), ("level", level)];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { labels: labels.into(), text: Value::Object(fields).to_string() }
    }

    /// The line of an event of the server, as its declaration has it: with all its fields.
    fn of(name: &str, event: &LogEvent) -> Self {
        let mut fields = Map::new();
        fields.insert("message".to_owned(), event.message.clone().into());
        fields.insert("event".to_owned(), name.into());
        for field in &event.fields {
            let value = match (event.constants.get(field), field.as_str()) {
                (Some(constant), _) => constant.clone().into(),
                (None, "count") => 3.into(),
                (None, "duration_ms") => 12.5.into(),
                (None, _) => format!("a {field}").into(),
            };
            fields.insert(field.clone(), value);
        }
        fields.insert("target".to_owned(), format!("campanile_server::{name}").into());
        Self::new(&event.level, fields)
    }

    /// A line in JSON, as it is written.
    fn parse(text: &str) -> Self {
        let Value::Object(fields) = serde_json::from_str(text).expect("an object") else {
            panic!("no object: {text}");
        };
        let level = fields["level"].as_str().expect("it has a level").to_owned();
        Self::new(&level, fields)
    }
}

/// Whether the pipeline has a sample of the line, and its labels then. A stage that no rule has is not
/// known.
fn sample(pipeline: &Pipeline, line: &Line) -> Option<BTreeMap<String, String>> {
    let mut labels = line.labels.clone();
    let selects = pipeline.selector.iter().all(|matcher| holds(matcher, &labels));
    selects.then_some(())?;
    for stage in &pipeline.stages {
        match stage {
            Stage::Line { operator: "|=", texts } => {
                texts.iter().any(|text| line.text.contains(text)).then_some(())?;
            }
            Stage::Parse { parser, made } if parser == "json" => {
                let fields: Value = serde_json::from_str(&line.text).expect("JSON");
                for (label, field) in made {
                    let value = match &fields[field] {
                        Value::Null => continue,
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    labels.insert(label.clone(), value);
                }
            }
            Stage::Filter { matchers, has_or: false } => {
                matchers.iter().all(|matcher| holds(matcher, &labels)).then_some(())?;
            }
            Stage::Unwrap(label) => {
                labels.get(label)?.parse::<f64>().ok()?;
            }
            other => panic!("{other:?} is not known here"),
        }
    }
    Some(labels)
}

fn holds(matcher: &LogMatcher, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&matcher.label).map_or("", String::as_str);
    match matcher.operator {
        "=" => value == matcher.value,
        "!=" => value != matcher.value,
        other => panic!("{other} is not known here"),
    }
}

fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
    fs::read_to_string(root.join(path)).expect("it is there")
}

/// What every alert on logs selects, by its name.
fn rules() -> BTreeMap<String, Pipeline> {
    let rules = RuleFile::parse(&text(RULES)).expect("it is well made");
    let named = rules.rules().filter_map(|rule| Some((rule.alert.clone()?, rule)));
    let read = named.map(|(name, rule)| {
        let found = LogExpression::parse(&rule.expr).expect("it is LogQL").pipelines;
        let [pipeline] = <[Pipeline; 1]>::try_from(found).expect("it selects once");
        (name, pipeline)
    });
    read.collect()
}

#[test]
fn the_lines_of_a_fault_are_counted_and_no_others() {
    let contract = LogContract::parse(&text(LOGS)).expect("it is well made");
    let rules = rules();
    assert_eq!(rules.len(), COUNTED.len(), "each rule is looked at");
    for (alert, counted) in COUNTED {
        let expected: Vec<&str> = match counted {
            Counted::Events(events) => events.to_vec(),
            Counted::Level(level) => {
                let events = contract.events.iter().filter(|(_, event)| event.level == *level);
                events.map(|(name, _)| name.as_str()).collect()
            }
        };
        let counts = |(name, event): &(&String, &LogEvent)| {
            sample(&rules[*alert], &Line::of(name, event)).is_some()
        };
        let found = contract.events.iter().filter(counts).map(|(name, _)| name.as_str());
        assert_eq!(found.collect::<Vec<_>>(), expected, "{alert}");
    }
}

#[test]
fn a_line_counts_by_what_it_says_and_not_by_what_is_in_it() {
    // The first is the one that the reference of the log shows.
    let documents = text(LOGS);
    let shown = documents.lines().find(|line| line.starts_with("{\"time\"")).expect("a line");
    let slow =
        r#"{"level":"warn","message":"slow statement","statement":"append","duration_ms":812.0}"#;
    let rules = rules();
    let labels = |alert: &str, line: &str| sample(&rules[alert], &Line::parse(line));
    let found = labels("ChatAuthFailuresLogged", shown).expect("it counts");
    assert_eq!((&*found["mechanism"], &*found["count"]), ("plain", "1"));
    let found = labels("ChatSlowStatementsLogged", slow).expect("it counts");
    assert_eq!(found["statement"], "append");
    for (alert, line, change) in [
        ("ChatAuthFailuresLogged", shown, ("\"failure\"", "\"success\"")),
        ("ChatAuthFailuresLogged", shown, ("\"count\":1", "\"count\":\"many\"")),
        ("ChatAuthFailuresLogged", shown, ("\"auth_result\":\"failure\",", "")),
        ("ChatSlowStatementsLogged", slow, ("slow statement", "a statement")),
        ("ChatSlowStatementsLogged", slow, ("\"warn\"", "\"info\"")),
        ("ChatErrorsLogged", slow, ("append", "error")),
        ("ChatRateLimitHitsLogged", shown, ("\"ada\"", "\"rate_limit\"")),
    ] {
        let healthy = line.replacen(change.0, change.1, 1);
        assert_ne!(healthy, line);
        assert_eq!(labels(alert, &healthy), None, "{alert}: {healthy}");
    }
}
