//! What is right is left alone, and nothing that is read ends the linter.

use std::fs;
use std::path::PathBuf;

use campanile_monitor_lint::{Catalogue, File, Finding, fix, lint, output};

fn found(path: &str, text: &str) -> Vec<Finding> {
    lint(&[File { path: path.to_owned(), text: text.to_owned() }], &Catalogue::default())
}

#[track_caller]
fn nothing(path: &str, text: &str) {
    let found = found(path, text);
    assert!(found.is_empty(), "{text}: {found:#?}");
}

/// A file with an alert for each expression.
fn alerts(expressions: &[&str]) -> String {
    let alert = |expression: &&str| format!("  - alert: A\n    expr: |\n      {expression}\n");
    let rules: String = expressions.iter().map(alert).collect();
    format!("groups:\n- name: g\n  rules:\n{rules}")
}

#[test]
fn alerts_that_are_right_are_left_alone() {
    nothing(
        "a.yaml",
        &alerts(&[
            "increase(backup_success_total[24h]) == 0",
            "rate(prometheus_tsdb_head_samples_appended_total[5m]) <= 0",
            "alertmanager_cluster_members < 3",
            "rate(a_errors_total[5m]) > 0.1",
            "rate(etcd_server_proposals_failed_total[15m]) > 5",
            "sum by (job) (rate(a_total{code=~\"5..\"}[5m])) / ignoring (code) sum by (job) (rate(a_total[5m])) > 0.1",
            "a_bytes / on (instance) group_left (host) b_bytes > 0.9",
            "predict_linear(node_filesystem_avail_bytes[6h], 24 * 3600) < 0",
            "time() - a_last_success_timestamp_seconds > 3600",
            "up == 0",
            "up{job=\"a\"} == 0 or absent(up{job=\"a\"})",
            "histogram_quantile(0.99, sum without (instance) (rate(a_bucket[5m]))) > 1",
            "histogram_quantile(0.9, rate(a_native_histogram[5m])) > 1",
            "process_open_fds / process_max_fds > 0.8",
            "changes(process_start_time_seconds[1h]) > 3",
            "absent_over_time(a_total[10m])",
            "container_memory_working_set_bytes / (container_spec_memory_limit_bytes > 0) > 0.9",
            "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) > 0.9",
            "label_replace(node_load1, \"a\", \"$1\", \"instance\", \"(.*):.*\") / on (a) b > 2",
            "a_metadata{allow_any_host=\"yes\"}",
            "a{b=\"c\", b=~\"c|d\", e!=\"f\"} > 0",
            "vector(1)",
        ]),
    );
}

#[test]
fn the_ruler_of_loki_may_have_rules_too() {
    let rules = alerts(&["sum(rate({job=\"a\"} |= \"error\" [5m])) > 1"]);
    nothing("loki/rules.yaml", &rules);
    nothing("rules.yaml", &rules);
    nothing("loki/meta.yaml", &alerts(&["sum(rate(loki_panic_total[5m])) > 0"]));
}

#[test]
fn a_panel_may_show_what_its_legend_names() {
    let panel = |legend: &str, expr: &str| {
        format!(
            "{{\"title\": \"T\", \"panels\": [{{\"title\": \"P\", \"description\": \"D\", \"type\": \"timeseries\", \"datasource\": {{\"uid\": \"a\"}}, \"fieldConfig\": {{\"defaults\": {{\"unit\": \"s\"}}}}, \"targets\": [{{\"legendFormat\": \"{legend}\", \"expr\": \"{expr}\"}}]}}]}}"
        )
    };
    let quantile = "histogram_quantile(0.9, rate(a_bucket[$__rate_interval]))";
    nothing("a.json", &panel("{{instance}}", quantile));
    assert_eq!(found("a.json", &panel("p90", quantile))[0].rule.id, "quantile-of-each-series");
    nothing("a.json", &panel("a", "sum by ($by) (rate(a_total[$window])) $operator ${n:raw}"));
    let average = "rate(a_seconds_sum[$__rate_interval]) / rate(a_seconds_count[$__rate_interval])";
    nothing("a.json", &panel("a", average));
}

#[test]
fn routes_that_take_any_severity_take_all() {
    let routes = "route:\n  receiver: a\n  routes:\n  - {matchers: ['severity=\"critical\"'], receiver: a}\n  - {matchers: ['team=\"b\"'], receiver: a}\nreceivers: [{name: a}]\n";
    let rules = "- alert: A\n  expr: a > 1\n  labels: {severity: info, team: b}\n";
    nothing("a.md", &format!("```yaml\n{routes}```\n\n```yaml\n{rules}```\n"));
}

#[test]
fn templates_of_other_programs_are_left_alone() {
    nothing("a.yaml", "{{- if .Values.enabled }}\na: {{ .Values.a | quote }}\n{{- end }}\n");
    nothing("a.md", "```yaml\na: b\n...\n```\n\n```promql\nsum(rate(a…\n```\n");
}

/// Guides that end anywhere, or have a letter too much anywhere, are read or refused.
#[test]
fn no_text_ends_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/guides");
    for name in ["chatsdk-monitoring", "silentrelay-monitoring", "sockudo-metrics"] {
        let text = fs::read_to_string(folder.join(format!("{name}.md"))).expect("it is there");
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(701).collect();
        for at in places {
            for put in ["", "\"", "{", "é\u{a0}", "[", "\\", "```\n", "$", "\r\n", "#"] {
                let (before, after) = text.split_at(at);
                let changed = if put.is_empty() {
                    before.to_owned()
                } else {
                    format!("{before}{put}{after}")
                };
                survive("a.md", changed);
            }
        }
    }
    for text in [
        "",
        "\0",
        "\u{feff}a: b",
        "- - - -",
        "{",
        "a: &a [*a]",
        "---\n---\n",
        "\t",
        "&a",
        "? a\n: b",
    ] {
        for path in ["a.yaml", "a.json", "a.md"] {
            survive(path, text.to_owned());
        }
    }
    survive("a.yaml", "[".repeat(100_000));
    survive("a.yaml", alerts(&["(".repeat(200).as_str()]));
}

fn survive(path: &str, text: String) {
    let files = [File { path: path.to_owned(), text }];
    let found = lint(&files, &Catalogue::default());
    let _ = (output::text(&found, &files), output::sarif(&found), fix(&files, &found));
}
