//! What Prometheus makes of a discovered target: its rules of relabelling, as far as ours use them.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_EQL_REGEX;
use serde::Deserialize;

/// The labels of a target, among them those that say how it is reached (`__address__`).
pub(super) type Labels = BTreeMap<String, String>;

/// What discovery says of a target. Nothing of it is left when the target is scraped.
const DISCOVERED: &str = "__meta_";

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    Replace,
    Keep,
    Drop,
    LabelMap,
    LabelDrop,
}

/// An entry of `relabel_configs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rule {
    pub(super) source_labels: Vec<String>,
    pub(super) separator: String,
    pub(super) regex: String,
    pub(super) target_label: String,
    pub(super) replacement: String,
    pub(super) action: Action,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: "(.*)".to_owned(),
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: Action::Replace,
        }
    }
}

/// The target that the rules make of a discovered one; none when they drop it.
pub(super) fn target(rules: &[Rule], mut labels: Labels) -> Result<Option<Labels>> {
    for rule in rules {
        if !rule.apply(&mut labels)? {
            return Ok(None);
        }
    }
    labels.retain(|name, _| !name.starts_with(DISCOVERED));
    let Some(address) = labels.get("__address__").cloned() else { return Ok(None) };
    labels.entry("instance".to_owned()).or_insert(address);
    Ok(Some(labels))
}

impl Rule {
    /// Changes the labels, and says whether the target is kept.
    fn apply(&self, labels: &mut Labels) -> Result<bool> {
        let pattern = self.pattern()?;
        match self.action {
            Action::Keep | Action::Drop => {
                if self.source_labels.is_empty() {
                    bail!("`{:?}` looks at no label", self.action);
                }
                return Ok(pattern.is_match(&self.source(labels)) == (self.action == Action::Keep));
            }
            Action::Replace => {
                if self.target_label.is_empty() {
                    bail!("the value of {:?} goes nowhere", self.source_labels);
                }
                if let Some(value) = pattern.expand(&self.source(labels), &self.replacement) {
                    match value.as_str() {
                        "" => labels.remove(&self.target_label),
                        _ => labels.insert(self.target_label.clone(), value),
                    };
                }
            }
            Action::LabelMap => {
                let mapped = labels.iter().filter_map(|(name, value)| {
                    Some((pattern.expand(name, &self.replacement)?, value.clone()))
                });
                let mapped: Vec<_> = mapped.collect();
                labels.extend(mapped);
            }
            Action::LabelDrop => labels.retain(|name, _| !pattern.is_match(name)),
        }
        Ok(true)
    }

    /// What the pattern is held against.
    fn source(&self, labels: &Labels) -> String {
        let value = |name: &String| labels.get(name).map_or("", String::as_str);
        self.source_labels.iter().map(value).collect::<Vec<_>>().join(&self.separator)
    }

    fn pattern(&self) -> Result<Pattern> {
        // Those of matchers in queries are the same: they fit the whole value or not at all.
        let dot_is_any = format!("(?s:{})", self.regex);
        let matcher = Matcher::new_matcher(T_EQL_REGEX, String::new(), dot_is_any);
        Ok(Pattern(matcher.map_err(|error| anyhow!("`{}`: {error}", self.regex))?))
    }
}

struct Pattern(Matcher);

impl Pattern {
    fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The template with what the groups have caught; nothing when the pattern does not fit.
    fn expand(&self, text: &str, template: &str) -> Option<String> {
        let MatchOp::Re(regex) = &self.0.op else { return None };
        let mut expanded = String::new();
        regex.captures(text)?.expand(template, &mut expanded);
        Some(expanded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rule makes of the labels `app=chat`, `port=80`, `meta_zone=a`; none when it drops them.
    fn after(rule: &str) -> Option<Labels> {
        let rule: Rule = serde_saphyr::from_str(rule).expect("the rule is well made");
        let mut labels = labels(&[("app", "chat"), ("port", "80"), ("meta_zone", "a")]);
        rule.apply(&mut labels).expect("the rule can be applied").then_some(labels)
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn has(rule: &str, name: &str, value: Option<&str>) {
        let labels = after(rule).expect("the target is kept");
        assert_eq!(labels.get(name).map(String::as_str), value, "{labels:?}");
    }

    #[test]
    fn a_pattern_fits_the_whole_value_or_not_at_all() {
        assert!(after("{action: keep, source_labels: [app], regex: chat}").is_some());
        assert!(after("{action: keep, source_labels: [app], regex: cha}").is_none());
        assert!(after("{action: drop, source_labels: [app], regex: cha}").is_some());
        assert!(after("{action: drop, source_labels: [app], regex: 'other|chat'}").is_none());
    }

    #[test]
    fn what_is_not_there_is_empty() {
        assert!(after("{action: keep, source_labels: [none], regex: ''}").is_some());
        has("{source_labels: [none], target_label: app}", "app", None);
        has("{source_labels: [none], regex: (.+), target_label: app}", "app", Some("chat"));
    }

    #[test]
    fn values_are_joined_and_their_parts_taken() {
        let rule = "{source_labels: [app, port], regex: (.+);(\\d+), target_label: to, replacement: '$1:$2'}";
        has(rule, "to", Some("chat:80"));
        // The guides leave out the first label, and wait in vain for the semicolon.
        has(&rule.replace("app, ", ""), "to", None);
        has(
            "{source_labels: [app, port], separator: '@', target_label: to}",
            "to",
            Some("chat@80"),
        );
        has("{target_label: job, replacement: chat}", "job", Some("chat"));
    }

    #[test]
    fn labels_are_mapped_and_dropped_by_name() {
        has("{action: labelmap, regex: meta_(.+)}", "zone", Some("a"));
        has("{action: labelmap, regex: meta_(.+)}", "meta_zone", Some("a"));
        has("{action: labeldrop, regex: meta_.+}", "meta_zone", None);
        has("{action: labeldrop, regex: meta_.+}", "app", Some("chat"));
    }

    #[test]
    fn a_rule_that_can_do_nothing_is_wrong() {
        let wrong = |rule: &str| {
            let rule: Rule = serde_saphyr::from_str(rule).expect("the rule is well made");
            rule.apply(&mut Labels::new()).expect_err("the rule is wrong").to_string()
        };
        assert!(wrong("{source_labels: [a]}").contains("goes nowhere"));
        assert!(wrong("{action: keep}").contains("looks at no label"));
        assert!(wrong("{source_labels: [a], regex: '(', target_label: b}").contains("regex"));
        assert!(serde_saphyr::from_str::<Rule>("{target: a}").is_err());
        assert!(serde_saphyr::from_str::<Rule>("{action: keepequal}").is_err());
    }

    #[test]
    fn what_discovery_says_does_not_outlive_it() {
        let found = labels(&[("__address__", "10.0.0.1:1"), ("__meta_kubernetes_pod_name", "a")]);
        let target = target(&[], found).expect("no rule is wrong");
        let expected = labels(&[("__address__", "10.0.0.1:1"), ("instance", "10.0.0.1:1")]);
        assert_eq!(target, Some(expected));
        assert_eq!(super::target(&[], Labels::new()).expect("no rule is wrong"), None);
    }
}
