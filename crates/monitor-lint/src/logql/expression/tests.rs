//! What is read of expressions, and what is refused.

use super::*;

fn parsed(text: &str) -> LogExpression {
    LogExpression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matcher(label: &str, operator: &'static str, value: &str) -> LogMatcher {
    LogMatcher { label: label.to_owned(), operator, value: value.to_owned() }
}

#[test]
fn a_selector_and_its_stages_are_told_apart() {
    let expression = parsed(
        "{job=\"a\", level=~\"b|c\"} |= \"d\" or `e` !~ \"f\" | json | g=\"h\" and i>=5m or (j!=\"k\", l=ip(\"10.0.0.0/8\")) | line_format \"{{.m}}\"",
    );
    let [pipeline] = &expression.pipelines[..] else { panic!("{expression:?}") };
    assert_eq!(pipeline.selector, [matcher("job", "=", "a"), matcher("level", "=~", "b|c")]);
    let line = |operator, texts: &[&str]| Stage::Line {
        operator,
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
    };
    let matchers = vec![
        matcher("g", "=", "h"),
        matcher("i", ">=", "5m"),
        matcher("j", "!=", "k"),
        matcher("l", "=", "10.0.0.0/8"),
    ];
    let stages = [
        line("|=", &["d", "e"]),
        line("!~", &["f"]),
        Stage::Parse { parser: "json".to_owned(), made: Vec::new() },
        Stage::Filter { matchers, has_or: true },
        Stage::Other,
    ];
    assert_eq!(pipeline.stages, stages);
}

#[test]
fn stages_name_the_labels_that_they_use_and_make() {
    let expression = parsed(
        "{a=\"b\"} | json c=\"d.e\", f | pattern `<g> <_>` | label_format h=c, i=\"{{.c}}\" | drop j, k=\"l\" | unwrap duration(m)",
    );
    let text = str::to_owned;
    let stages = [
        Stage::Parse {
            parser: text("json"),
            made: vec![(text("c"), text("d.e")), (text("f"), text("f"))],
        },
        Stage::Parse { parser: text("pattern"), made: vec![(text("g"), text("g"))] },
        Stage::Format(vec![(text("h"), Some(text("c"))), (text("i"), None)]),
        Stage::Select(vec![text("j"), text("k")]),
        Stage::Unwrap(text("m")),
    ];
    assert_eq!(expression.pipelines[0].stages, stages);
}

#[test]
fn a_grouping_is_about_what_it_stands_beside() {
    let expression = parsed(
        "sum by (a) (rate({b=\"c\"}[5m])) / on (d) sum(count_over_time({e=\"f\"} | json [5m] offset 1h)) by (g) > 0.5 * -1",
    );
    assert_eq!(expression.pipelines.len(), 2);
    let groupings: Vec<_> = expression
        .groupings
        .iter()
        .map(|grouping| (grouping.labels.join(","), grouping.pipelines.clone()))
        .collect();
    assert_eq!(groupings, [("a".to_owned(), 0..1), ("d".to_owned(), 0..1), ("g".to_owned(), 1..2)]);
}

#[test]
fn arguments_may_be_numbers_and_texts() {
    let expression =
        parsed("label_replace(topk(5, sum(rate({a=\"b\"}[1m]))), \"c\", \"$1\", \"a\", \"(.*)\")");
    assert_eq!((expression.pipelines.len(), expression.made.contains("c")), (1, true));
    parsed("quantile_over_time(0.99, {a=\"b\"} | json | unwrap c [1m]) by (d)");
    parsed("vector(1)");
}

#[test]
fn what_is_no_expression_is_refused() {
    for (text, expected) in [
        ("", "the end is no expression"),
        ("{a=\"b\"", "the end stands where `,` should"),
        ("{a}", "`}` stands where `a` should be compared"),
        ("{a=b}", "`b` is no value of `a`"),
        ("{a=\"b\"} |", "the end is no name"),
        ("{a=\"b\"} |= json", "`json` stands where a text should"),
        ("{a=\"b\"} | json | (c=\"d\"", "the end stands where `)` should"),
        ("{a=\"b\"} | logfmt --strikt", "logfmt knows no --strikt"),
        ("{a=\"b\"} | jsn", "the end stands where `jsn` should be compared"),
        ("sum by (a (rate({a=\"b\"}[5m]))", "`(` stands where `,` should"),
        ("rate({a=\"b\"}[x])", "`x` is no duration"),
        ("rate({a=\"b\"}[5m]", "the end stands where `,` should"),
        ("{a=\"b\"} {c=\"d\"}", "`{` comes after the end"),
        ("1 +", "the end is no expression"),
    ] {
        let error = LogExpression::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_guides_and_the_documentation_of_loki_ask_is_read() {
    for text in [
        "{job=\"chat-server\"} |= \"error\"",
        "{job=\"chat-server\"} | json | auth_result=\"failure\"",
        "sum(rate({job=\"chat-server\"} | json | auth_result=\"failure\" [5m])) > 5",
        "{container=\"query-frontend\",namespace=\"loki-dev\"} |= \"metrics.go\" | logfmt | duration > 10s and throughput_mb < 500",
        "{name=~\"mysql.+\", name!~`mysql-\\d+`}",
        "{job=\"mysql\"} |= \"error\" != \"timeout\" |~ `error=\\w+`",
        "{job=\"a\"} |> \"<_> level=debug <_>\" !> \"<_> level=info <_>\"",
        "{job=\"a\"} | json first_server=\"servers[0]\", ua=\"request.headers[\\\"User-Agent\\\"]\"",
        "{job=\"a\"} | logfmt --strict --keep-empty host",
        "{job=\"a\"} | regexp \"(?P<method>\\\\w+) (?P<path>[\\\\w|/]+)\"",
        "{job=\"a\"} | pattern `<ip> - - <_> \"<method> <uri> <_>\" <status> <size>`",
        "{job=\"a\"} | logfmt | addr = ip(\"192.168.4.5/16\")",
        "{job=\"a\"} |= ip(\"192.168.4.5-192.168.4.20\")",
        "{job=\"a\"} | logfmt | duration >= 20ms or size == 20KB or method != \"GET\"",
        "{job=\"a\"} | unpack | line_format \"{{.a}}\" | decolorize | drop b, c=\"d\" | keep e",
        "sum by (host) (rate({job=\"mysql\"} |= \"error\" != \"timeout\" | json | duration > 10s [1m]))",
        "topk(10, sum(rate({region=\"us-east1\"}[5m])) by (name))",
        "quantile_over_time(0.99, {cluster=\"a\"} | json | __error__ = \"\" | unwrap request_time [1m]) by (path)",
        "sum by (org_id) (sum_over_time({cluster=\"a\"} |= \"metrics.go\" | logfmt | unwrap bytes(bytes_processed) [1m]))",
        "max_over_time({job=\"a\"} | logfmt | unwrap duration_seconds(took) | __error__=\"\" [5m] offset 1h)",
        "sum(rate({app=\"foo\", level=\"error\"}[1m])) / sum(rate({app=\"foo\"}[1m]))",
        "sum by (machine) (count_over_time({app=\"foo\"}[1m])) > bool 10",
        "rate({app=~\"foo|bar\"}[1m]) and rate({app=\"bar\"}[1m])",
        "sum by (app, pool) (rate({foo=\"bar\"}[2m])) / on (app) group_left (pool) sum by (app) (rate({foo=\"bar\"}[2m]))",
        "absent_over_time({app=\"foo\"}[10m]) or vector(0)",
        "label_replace(rate({job=\"a\"} |= \"err\" [1m]), \"foo\", \"$1\", \"service\", \"(.*):.*\")",
        "approx_topk(10, sum by (service) (rate({a=\"b\"}[5m])))",
        "sort_desc(sum by (a) (bytes_over_time({b=\"c\"}[1d])))",
    ] {
        parsed(text);
    }
}
