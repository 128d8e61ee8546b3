//! A tower with one thing wrong at a time, and what is said of it.

use super::super::tests::says;
use super::*;

const METRICS: &str = r#"[
    {"name": "chat_joins_total", "kind": "counter",
     "labels": [{"name": "kind", "values": ["public", "private"]}]},
    {"name": "chat_wait_seconds", "kind": "histogram", "labels": [], "buckets": [0.1, 0.5, 1]},
    {"name": "chat_open", "kind": "gauge", "labels": []}
]"#;

const FOREIGN: &str = "[redis]\nmetrics = [\"redis_up\"]\n";

const RULES: &str = "\
groups:
- name: g
  rules:
  - alert: ChatSlow
    expr: histogram_quantile(0.9, sum by (le) (rate(chat_wait_seconds_bucket[5m]))) > 0.5
    labels: {severity: warning}
    annotations:
      summary: It is slow.
      description: It takes {{ $value }}.
      runbook_url: https://github.com/campanile-chat/campanile/blob/main/docs/runbooks/ChatSlow.md
      dashboard_url: /d/campanile-joins
";

const RUNBOOK: &str = "\
# ChatSlow

## Meaning

It is slow.

## Impact

People wait.

## Diagnosis

```promql
redis_up
```

## Mitigation

Wait.
";

const BOARD: &str = "\
title = \"Joins\"
description = \"Who joins.\"
[[rows]]
title = \"Joins\"
[[rows.panels]]
title = \"Joins\"
description = \"A second.\"
unit = \"ops\"
runbooks = [\"ChatSlow\"]
queries = [
  { legend = \"{{kind}}\", expr = 'sum by (kind) (rate(chat_joins_total{$self}[$__rate_interval]))' },
  { legend = \"open\", expr = 'sum(chat_open{$self})' },
]
";

/// Five cases; only in the first is an alert expected.
fn unit_tests() -> String {
    let case = |case: &str, expected: &str| {
        format!(
            "- name: 'ChatSlow: {case}'\n  input_series: [{{series: of_{case}}}]\n  \
             alert_rule_test:\n  \
             - {{eval_time: 1m, alertname: ChatSlow, exp_alerts: [{expected}]}}\n"
        )
    };
    let quiet = ["healthy", "idle", "missing", "restart"].map(|name| case(name, ""));
    format!("rule_files: [x]\ntests:\n{}{}", case("fault", "{}"), quiet.concat())
}

/// What is said when, in one file, one text is another.
fn with(path: &str, good: &str, bad: &str) -> Vec<Finding> {
    let rendered = crate::boards::Board::parse("dashboards/source/joins.toml", BOARD)
        .expect("the board is well made")
        .rendered();
    let unit_tests = unit_tests();
    let files = [
        ("docs/metrics.json", METRICS),
        ("deploy/foreign-metrics.toml", FOREIGN),
        ("alerts/slow.yaml", RULES),
        ("alerts/tests/slow.yaml", &unit_tests),
        ("docs/runbooks/ChatSlow.md", RUNBOOK),
        ("dashboards/source/joins.toml", BOARD),
        ("dashboards/joins.json", &rendered),
        ("dashboards/README.md", "| joins | [joins](joins.json): *Joins* |\n"),
    ];
    let files = files.map(|(name, text)| {
        assert!(name != path || text.contains(good), "`{good}` is not in {path}");
        (name, if name == path { text.replacen(good, bad, 1) } else { text.to_owned() })
    });
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    check(&Tree::of(&files))
}

#[test]
fn a_whole_tower_is_left_alone() {
    assert_eq!(with("", "", ""), []);
}

#[test]
fn a_query_asks_for_what_there_is() {
    let board = "dashboards/source/joins.toml";
    for (good, bad, expected) in [
        ("chat_joins_total", "chat_leaves_total", "there is no series `chat_leaves_total`"),
        ("chat_joins_total{$self", "chat_joins_total{$self, room=\"a\"", "has no label `room`"),
        ("chat_joins_total{$self", "chat_joins_total{$self, kind=\"dm\"", "is never `dm`"),
        ("by (kind)", "by (room)", "nothing that is grouped by `room` has it"),
        ("sum(chat_open{$self})", "sum(rate(chat_open{$self}[$__rate_interval]))", "is a gauge"),
        ("sum(chat_open{$self})", "sum(chat_open{$self}", "no PromQL"),
    ] {
        says(&with(board, good, bad), expected);
    }
}

#[test]
fn a_threshold_of_a_quantile_is_a_boundary_below_the_last() {
    for threshold in ["> 0.3", "> 1"] {
        says(
            &with("alerts/slow.yaml", "> 0.5", threshold),
            "is no boundary of `chat_wait_seconds`",
        );
    }
}

#[test]
fn what_is_measured_is_shown_or_rings() {
    let board = "dashboards/source/joins.toml";
    says(&with(board, "sum(chat_open{$self})", "sum(up{$self})"), "`chat_open` is on no board");
    says(&with("docs/runbooks/ChatSlow.md", "redis_up", "up"), "`redis_up` is listed and used");
}

#[test]
fn an_alert_is_whole() {
    for (path, good, bad, expected) in [
        ("alerts/slow.yaml", "severity: warning", "severity: loud", "has the severity `loud`"),
        ("alerts/slow.yaml", "summary: It is slow.", "summary: ''", "has no summary"),
        ("alerts/slow.yaml", "runbooks/ChatSlow.md", "runbooks/No.md", "runbook of `ChatSlow`"),
        ("alerts/slow.yaml", "campanile-joins", "campanile-no", "board of `ChatSlow`"),
        ("alerts/slow.yaml", "expr:", "exprs:", "is no file of rules"),
        ("alerts/tests/slow.yaml", ": idle", ": idler", "has no test `ChatSlow: idle`"),
        ("alerts/tests/slow.yaml", "[{}]", "[]", "nothing rings"),
        ("alerts/tests/slow.yaml", "[{series: of_idle}]", "[]", "has no data in `ChatSlow: idle`"),
        ("alerts/tests/slow.yaml", "fault'", "idle'", "has no test `ChatSlow: fault`"),
    ] {
        says(&with(path, good, bad), expected);
    }
}

#[test]
fn an_alert_is_silent_where_all_is_well() {
    let quiet = "of_restart}]\n  alert_rule_test:\n  \
                 - {eval_time: 1m, alertname: ChatSlow, exp_alerts: [";
    let findings = with("alerts/tests/slow.yaml", quiet, &format!("{quiet}{{}}"));
    says(&findings, "expects it in `ChatSlow: restart`");
}

#[test]
fn the_board_of_an_alert_links_its_runbook() {
    let board = "dashboards/source/joins.toml";
    let expected = "no panel of the board of `ChatSlow`, joins, links ChatSlow.md";
    says(&with(board, "runbooks = [\"ChatSlow\"]\n", ""), expected);
    says(&with(board, "[\"ChatSlow\"]", "[\"ChatSlower\"]"), expected);
    // One of several panels, or of several alerts, is enough.
    let several = with(board, "[\"ChatSlow\"]", "[\"No\", \"ChatSlow\"]");
    assert!(!several.iter().any(|found| found.to_string().contains("links ChatSlow.md")));
}

#[test]
fn a_runbook_says_what_to_do() {
    let runbook = "docs/runbooks/ChatSlow.md";
    says(&with(runbook, "## Impact", "## Effect"), "has the headings");
    says(&with(runbook, "People wait.", ""), "has nothing under `Impact`");
    says(&with(runbook, "```promql", "```"), "asks nothing");
}

#[test]
fn a_board_is_fresh_and_has_a_source() {
    let board = "dashboards/source/joins.toml";
    says(&with(board, "Who joins.", "Who leaves."), "dashboards/joins.json:1: is stale");
    says(&with(board, "[\"ChatSlow\"]", "[\"No\"]"), "names the runbook No");
    says(&with(board, "unit = \"ops\"\n", ""), "breaks panel-units-rule");
    let guides = "dashboards/README.md";
    says(&with(guides, "*Joins*", "*Joins*, *Leaves*"), "the board joins has no panel `Leaves`");
    says(&with(guides, "(joins.json)", "(leaves.json)"), "the board leaves has no panel `Joins`");
    let stranger =
        check(&Tree::of(&[("docs/metrics.json", "[]"), ("dashboards/stranger.json", "{}")]));
    says(&stranger, "dashboards/stranger.json:1: has no source");
}
