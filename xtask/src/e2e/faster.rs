//! Rules on a faster clock: every duration divided, so that a drill takes seconds and not hours.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use promql_parser::parser::{self, Expr, Offset};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};
use serde_json::Value;

use crate::tower::LogExpression;

/// How much faster the clock of the rules goes.
#[derive(Clone, Copy)]
pub(crate) struct Factor(pub(crate) u32);

/// No range of a rule gets shorter: a rate needs several scrapes, and those come every second.
const RANGE_MIN: Duration = Duration::from_secs(5);

/// A file of rules with the durations of `for` and `keep_firing_for`, and those in expressions,
/// divided by the factor. What it is for a `profile` says so in a label, since guides have alerts
/// of the same name. The answer is JSON, which is YAML too.
pub(crate) fn rules(text: &str, profile: Option<&str>, factor: Factor) -> Result<String> {
    hurried(text, profile, factor, expression)
}

/// The same for the ruler of Loki, whose expressions are in LogQL.
pub(crate) fn log_rules(text: &str, factor: Factor) -> Result<String> {
    hurried(text, None, factor, log_expression)
}

type Faster = fn(&str, Factor) -> Result<String>;

fn hurried(text: &str, profile: Option<&str>, factor: Factor, faster: Faster) -> Result<String> {
    let mut file: Value = serde_saphyr::from_str(text).map_err(|error| anyhow!("{error}"))?;
    let groups = file["groups"].as_array_mut().context("there are no groups")?;
    for group in groups {
        // How often all groups are evaluated is said once, in the configuration.
        group.as_object_mut().context("a group is a map")?.remove("interval");
        for rule in group["rules"].as_array_mut().context("a group has no rules")? {
            hurry(rule, profile, factor, faster)?;
        }
    }
    Ok(serde_json::to_string_pretty(&file)?)
}

fn hurry(rule: &mut Value, profile: Option<&str>, factor: Factor, faster: Faster) -> Result<()> {
    let slow = rule["expr"].as_str().context("a rule has an expression")?;
    let fast = faster(slow, factor).with_context(|| format!("cannot make `{slow}` faster"))?;
    rule["expr"] = fast.into();
    for key in ["for", "keep_firing_for"] {
        if let Some(wait) = rule.get_mut(key) {
            let slow = wait.as_str().context("a duration is text")?;
            *wait = written(factor.wait(duration(slow)?)).into();
        }
    }
    if let (Some(profile), true) = (profile, rule.get("alert").is_some()) {
        rule["labels"]["profile"] = profile.into();
    }
    Ok(())
}

/// A PromQL expression with its ranges and offsets divided.
pub(crate) fn expression(text: &str, factor: Factor) -> Result<String> {
    struct Shorter(Factor);
    impl ExprVisitorMut for Shorter {
        type Error = Infallible;

        fn pre_visit(&mut self, expression: &mut Expr) -> Result<bool, Infallible> {
            let offset = match expression {
                Expr::MatrixSelector(matrix) => {
                    matrix.range = self.0.range(matrix.range);
                    &mut matrix.vs.offset
                }
                Expr::VectorSelector(selector) => &mut selector.offset,
                Expr::Subquery(subquery) => {
                    subquery.range = self.0.range(subquery.range);
                    subquery.step = subquery.step.map(|step| self.0.wait(step));
                    &mut subquery.offset
                }
                _ => return Ok(true),
            };
            if let Some(Offset::Pos(offset) | Offset::Neg(offset)) = offset {
                *offset = self.0.range(*offset);
            }
            Ok(true)
        }
    }
    let mut expression = parser::parse(text).map_err(|error| anyhow!("{error}"))?;
    let Ok(_) = walk_expr_mut(&mut Shorter(factor), &mut expression);
    Ok(expression.to_string())
}

/// A LogQL expression with its ranges divided: what stands in brackets, and in no quotes.
pub(crate) fn log_expression(text: &str, factor: Factor) -> Result<String> {
    let mut fast = String::new();
    let (mut rest, mut quote) = (text, None);
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        fast.push(letter);
        match (quote, letter) {
            (Some('"'), '\\') => {
                let escaped = rest.chars().next().context("a text has no end")?;
                rest = &rest[escaped.len_utf8()..];
                fast.push(escaped);
            }
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '`') => quote = Some(letter),
            (None, '[') => {
                let (range, _) = rest.split_once(']').context("a range has no end")?;
                fast.push_str(&written(factor.range(duration(range)?)));
                rest = &rest[range.len()..];
            }
            _ => {}
        }
    }
    let parsed = LogExpression::parse(&fast)?;
    ensure!(!parsed.has_offset, "an offset is left as it is");
    Ok(fast)
}

impl Factor {
    /// How long an alert waits: at least a second, and zero stays zero.
    pub(crate) fn wait(self, duration: Duration) -> Duration {
        if duration.is_zero() {
            return duration;
        }
        (duration / self.0).max(Duration::from_secs(1))
    }

    fn range(self, duration: Duration) -> Duration {
        // A range that is short already is left as it is.
        let shortest = RANGE_MIN.min(duration);
        Duration::from_secs((duration / self.0).as_secs()).max(shortest)
    }
}

/// A duration as Prometheus writes it: `1h30m`, `5m`, `0s`.
pub(crate) fn duration(text: &str) -> Result<Duration> {
    promql_parser::util::parse_duration(text)
        .map_err(|error| anyhow!("`{text}` is no duration: {error}"))
}

fn written(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FACTOR: Factor = Factor(30);

    #[test]
    fn ranges_and_offsets_are_divided() {
        let fast = |text| expression(text, FACTOR).expect("it parses");
        assert_eq!(fast("rate(a_total[5m])"), "rate(a_total[10s])");
        assert_eq!(fast("a offset 1h"), "a offset 2m");
        assert_eq!(fast("max_over_time(a[1m])"), "max_over_time(a[5s])");
    }

    #[test]
    fn what_stands_around_a_range_stays() {
        let text =
            "sum by (job, le) (rate(a_bucket{b!~\"x|y\"}[10m])) / on (job) group_left () c > 0.5";
        let fast = expression(text, FACTOR).expect("it parses");
        parser::parse(&fast).expect("it still parses");
        assert!(
            fast.contains("[20s]") && fast.contains("b!~\"x|y\"") && fast.contains("0.5"),
            "{fast}"
        );
    }

    #[test]
    fn a_file_keeps_what_has_no_duration() {
        let text = "\
groups:
  - name: up
    interval: 1m
    rules:
      - alert: Down
        expr: up{job=\"chat\"} == 0
        for: 5m
        labels: {severity: critical}
      - record: a:b:rate5m
        expr: |
          sum by (job) (
            rate(b_total[5m])
          )
";
        let fast = rules(text, Some("prosody"), FACTOR).expect("it can be made faster");
        let expected = json!({"groups": [{"name": "up", "rules": [
            {
                "alert": "Down", "expr": "up{job=\"chat\"} == 0", "for": "10000ms",
                "labels": {"severity": "critical", "profile": "prosody"},
            },
            {"record": "a:b:rate5m", "expr": "sum by (job) (rate(b_total[10s]))"},
        ]}]});
        assert_eq!(serde_json::from_str::<Value>(&fast).ok(), Some(expected));
    }

    #[test]
    fn ranges_of_logql_are_divided_and_what_is_in_quotes_stays() {
        let slow = "sum by (job) (rate({job=\"[5m]\\\"\"} |= `[1h]` | json a=\"b\" [5m])) > 0.2";
        let fast = log_expression(slow, FACTOR).expect("it is LogQL");
        assert_eq!(fast, slow.replace(" [5m]", " [10000ms]"));
        for (slow, expected) in [
            ("rate({a=\"b\"}[5m] offset 1h)", "an offset is left"),
            ("rate({a=\"b\"}[5x])", "is no duration"),
            ("rate({a=\"b\"}[5m", "a range has no end"),
        ] {
            let error = log_expression(slow, FACTOR).expect_err(slow).to_string();
            assert!(error.contains(expected), "{slow}: {error}");
        }
    }

    #[test]
    fn all_our_rules_on_logs_can_be_made_faster() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
        for entry in std::fs::read_dir(root.join("alerts/loki")).expect("there are some") {
            let path = entry.expect("it is read").path();
            let text = std::fs::read_to_string(&path).expect("it is read");
            let fast = log_rules(&text, FACTOR).unwrap_or_else(|error| panic!("{error:#}"));
            assert!(!fast.contains("[5m]") && fast.contains("[10000ms]"), "{fast}");
        }
    }

    #[test]
    fn a_file_for_the_ruler_is_made_faster() {
        let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: count_over_time({a=\"b\"}[10m]) > 1\n    for: 5m\n";
        let fast = log_rules(text, FACTOR).expect("it can be made faster");
        let fast: Value = serde_json::from_str(&fast).expect("it is JSON");
        let rule = &fast["groups"][0]["rules"][0];
        assert_eq!(rule["expr"], "count_over_time({a=\"b\"}[20000ms]) > 1");
        assert_eq!(rule["for"], "10000ms");
    }

    #[test]
    fn a_wait_is_never_lost() {
        assert_eq!(FACTOR.wait(Duration::from_secs(10)), Duration::from_secs(1));
        assert_eq!(FACTOR.wait(Duration::ZERO), Duration::ZERO);
    }
}
