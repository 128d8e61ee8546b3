//! Expressions with one thing wrong at a time, and what is said of them.

use super::super::super::tests::says;
use super::*;
use crate::tower::REFERENCE;

fn found(query: &str) -> Vec<Finding> {
    let document = format!("# A\n\n```logql\n{query}\n```\n");
    check(&Tree::of(&[("docs/a.md", &document), (LOGS, REFERENCE)]))
}

#[test]
fn what_the_contract_has_can_be_asked_for() {
    for query in [
        "{job=\"chat-server\", level=~\"error|warn\"} | json",
        "{job=\"chat-server\"} |= \"slow statement\" | json | statement!=\"\"",
        "{job=\"chat-server\"} | json | event=\"refused\" | reason=\"any\" and user=\"ada\"",
        "{job=\"chat-server\"} | json | level_extracted=\"warn\" | __error__=\"\"",
        "{job=\"chat-server\"} | json | event=~\"re.*\" | statement=\"a\"",
        "{job=\"chat-server\"} | json | event=~\"taken|re.*\" | reason=\"a\"",
        "{job=\"chat-server\"} | json | event=\"refused\" or statement=\"a\"",
        "{job=\"chat-server\"} | json | line_format \"{{.message}}\"",
        "sum by (job, reason) (rate({job=\"chat-server\"} |= \"auth_result\" | json auth_result=\"auth_result\", reason=\"reason\", count=\"count\" | auth_result=\"failure\" | unwrap count [5m])) > 0.2",
        "sum by (made) (label_replace(rate({job=\"chat-server\"}[5m]), \"made\", \"$1\", \"job\", \"(.*)\"))",
        // Lines of others have fields of their own.
        "{job=\"stack\"} | logfmt | lvl=\"warn\"",
    ] {
        assert_eq!(found(query), [], "{query}");
    }
}

#[test]
fn streams_have_the_labels_of_the_contract() {
    says(
        &found("{job=\"chat-server\", user=\"ada\"}"),
        "docs/a.md:4: streams have no label `user`",
    );
    says(&found("{job=\"stack\", container=\"a\"}"), "streams have no label `container`");
    says(&found("{job=\"chat-server\", level=\"warning\"}"), "`level` is never `warning`");
    says(&found("{job=\"chat-server\", level=~\"error|fatal\"}"), "`level` is never `fatal`");
}

#[test]
fn fields_are_those_of_the_contract_and_come_from_json() {
    let json = |rest: &str| found(&format!("{{job=\"chat-server\"}} | json {rest}"));
    says(&json("| usr=\"ada\""), "there is no label or field `usr`");
    says(&json("who=\"usr\" | who=\"ada\""), "no line has a field `usr`");
    says(&json("| unwrap took_ms"), "there is no label or field `took_ms`");
    says(&json("| label_format a=usr"), "there is no label or field `usr`");
    says(&json("| drop usr"), "there is no label or field `usr`");
    says(
        &found("{job=\"chat-server\"} | auth_result=\"failure\""),
        "`auth_result` at this place: `| json` makes labels of fields",
    );
    says(&found("{job=\"chat-server\"} | logfmt | user=\"a\""), "`| logfmt` reads none");
}

#[test]
fn events_and_constants_have_the_values_of_the_contract() {
    let json = |rest: &str| found(&format!("{{job=\"chat-server\"}} | json | {rest}"));
    says(&json("event=\"refusd\""), "`event` is never `refusd`");
    says(&json("event=~\"refused|gone\""), "`event` is never `gone`");
    says(&json("event!=\"gone\""), "`event` is never `gone`");
    says(&json("auth_result=\"failed\""), "`auth_result` is never `failed`");
}

#[test]
fn an_event_has_its_own_fields_and_no_others() {
    let json = |rest: &str| found(&format!("{{job=\"chat-server\"}} | json | {rest}"));
    says(&json("event=\"taken\" | reason=\"a\""), "`reason` is no field of `taken`");
    says(&json("reason=\"a\" | event=\"taken\""), "`reason` is no field of `taken`");
    says(&json("auth_result=\"success\" | statement=\"a\""), "is no field of `taken`");
    says(&json("event=\"taken\" | auth_result=\"failure\""), "no event is all of what");
    let quiet = "{job=\"chat-server\", level=\"warn\"} | json | event=\"taken\"";
    says(&found(quiet), "no event is all of what");
    says(
        &found("{job=\"chat-server\"} | json a=\"statement\", event=\"event\" | event=\"taken\""),
        "`statement` is no field of `taken`",
    );
}

#[test]
fn what_is_searched_for_stands_in_some_line() {
    says(&found("{job=\"chat-server\"} |= \"slow query\""), "no line of ours has `slow query`");
    assert_eq!(found("{job=\"chat-server\"} != \"slow query\""), []);
}

#[test]
fn a_grouping_is_by_what_is_there() {
    let by = |labels: &str, stages: &str| {
        found(&format!("sum by ({labels}) (rate({{job=\"chat-server\"}} {stages} [5m]))"))
    };
    says(&by("reason", ""), "nothing that is grouped by `reason` has it");
    assert_eq!(by("reason", "| json"), []);
    says(&by("reason", "| json | event=\"taken\""), "nothing that is grouped by `reason`");
}

#[test]
fn what_is_no_logql_is_said_and_where() {
    says(
        &found("{job=\"chat-server\"} | jsn"),
        "docs/a.md:4: no LogQL: the end stands where `jsn`",
    );
    let rules = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: count_over_time({jb=\"a\"}[5m]) > 1\n";
    let tree = Tree::of(&[("alerts/loki/a.yaml", rules), (LOGS, REFERENCE)]);
    says(&check(&tree), "alerts/loki/a.yaml:4: streams have no label `jb`");
}

#[test]
fn without_a_contract_nothing_is_let_pass() {
    let document = "```logql\n{job=\"chat-server\"}\n```\n";
    says(
        &check(&Tree::of(&[("docs/a.md", document)])),
        "docs/logs.md:1: docs/logs.md has no table",
    );
}
