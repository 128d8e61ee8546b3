//! The rules of a promise: what share failed over several windows, what is left, and when to ring.

use super::source::{Slo, Source};

/// Shares over these are looked at often.
const SHORT_WINDOWS: [&str; 5] = ["5m", "30m", "1h", "2h", "6h"];

/// These change slowly, and are long to read; the whole period is one more.
const LONG_WINDOWS: [&str; 2] = ["1d", "3d"];

/// How often short and long windows are evaluated.
const INTERVALS: [&str; 2] = ["30s", "2m"];

const RUNBOOKS: &str = "https://github.com/campanile-chat/campanile/blob/main/docs/runbooks/";

/// Two windows over which errors come so many times faster than allowed: over the long one, so that
/// it matters, and over the short one, so that it is so still.
struct Burn {
    factor: &'static str,
    long: &'static str,
    short: &'static str,
}

/// How loud two burns are.
struct Alarm {
    severity: &'static str,
    burns: [Burn; 2],
    /// The errors of the longest window, counted: how far back, how often, and the seconds between.
    counted: (&'static str, &'static str, u32),
}

const ALARMS: [Alarm; 2] = [
    Alarm {
        severity: "critical",
        burns: [
            Burn { factor: "14.4", long: "1h", short: "5m" },
            Burn { factor: "6", long: "6h", short: "30m" },
        ],
        counted: ("6h", "1m", 60),
    },
    Alarm {
        severity: "warning",
        burns: [
            Burn { factor: "3", long: "1d", short: "2h" },
            Burn { factor: "1", long: "3d", short: "6h" },
        ],
        counted: ("3d", "5m", 300),
    },
];

/// The file of rules for every promise.
pub(super) fn file(source: &Source) -> String {
    let mut lines = vec![
        "# Generated from slo.toml: change it there, then run `cargo xtask docs`.".to_owned(),
        String::new(),
        "groups:".to_owned(),
    ];
    for slo in &source.slos {
        let name = &slo.name;
        let [often, seldom] = INTERVALS;
        lines.extend(group(&format!("slo-{name}-rates"), often, rates(slo)));
        lines.extend(group(&format!("slo-{name}-budget"), seldom, budget(slo, source.period_days)));
        let alerts = ALARMS.iter().map(|alarm| alert(slo, alarm, source));
        lines.extend(group(&format!("slo-{name}-alerts"), often, alerts.collect()));
    }
    lines.join("\n") + "\n"
}

/// A rule is its lines.
type Rule = Vec<String>;

fn group(name: &str, interval: &str, rules: Vec<Rule>) -> Vec<String> {
    let head = [
        format!("  - name: campanile-{name}"),
        format!("    interval: {interval}"),
        "    rules:".to_owned(),
    ];
    head.into_iter().chain(rules.into_iter().flatten()).collect()
}

fn rates(slo: &Slo) -> Vec<Rule> {
    let mut rules = vec![
        record(slo, "slo:sli_errors:rate5m", &slo.errors),
        record(slo, "slo:sli_events:rate5m", &slo.events),
    ];
    rules.extend(SHORT_WINDOWS.iter().map(|window| share(slo, window)));
    rules
}

fn budget(slo: &Slo, period_days: u32) -> Vec<Rule> {
    let name = &slo.name;
    let of_budget = format!("/ on (slo) group_left () slo:error_budget:ratio{{slo=\"{name}\"}}");
    let mut rules: Vec<Rule> = LONG_WINDOWS.iter().map(|window| share(slo, window)).collect();
    let whole = format!("slo:sli_error:ratio_rate{period_days}d{{slo=\"{name}\"}}");
    rules.extend([
        share(slo, &format!("{period_days}d")),
        record(slo, "slo:objective:ratio", &format!("vector({})", slo.good())),
        record(slo, "slo:error_budget:ratio", &format!("vector({})", slo.budget())),
        record(
            slo,
            "slo:current_burn_rate:ratio",
            &format!("slo:sli_error:ratio_rate5m{{slo=\"{name}\"}} {of_budget}"),
        ),
        record(slo, "slo:period_error_budget_remaining:ratio", &format!("1 - {whole} {of_budget}")),
    ]);
    rules
}

/// The share that failed over a window. Each event counts the same, and while there is none there is
/// no share: a quiet night neither helps nor harms.
fn share(slo: &Slo, window: &str) -> Rule {
    let series = |what: &str| {
        let series = format!("slo:sli_{what}:rate5m{{slo=\"{}\"}}", slo.name);
        if window == "5m" { series } else { format!("avg_over_time({series}[{window}])") }
    };
    let expression = format!("{} / ({} > 0)", series("errors"), series("events"));
    record(slo, &format!("slo:sli_error:ratio_rate{window}"), &expression)
}

fn record(slo: &Slo, name: &str, expression: &str) -> Rule {
    let mut rule = vec![format!("      - record: {name}")];
    rule.extend(written(expression));
    rule.push(format!("        labels: {{slo: {}}}", slo.name));
    rule
}

fn alert(slo: &Slo, alarm: &Alarm, source: &Source) -> Rule {
    let mut rule = vec![format!("      - alert: {}", slo.alert)];
    rule.extend(written(&burning(slo, alarm, source.errors_min)));
    let description = format!(
        "{{{{ $value | humanizePercentage }}}} {}; over {} days {} % may be.",
        slo.failed,
        source.period_days,
        percent(slo),
    );
    rule.extend([
        format!("        labels: {{severity: {}}}", alarm.severity),
        "        annotations:".to_owned(),
        format!("          summary: '{}'", slo.summary),
        format!("          description: '{description}'"),
        format!("          runbook_url: {RUNBOOKS}{}.md", slo.alert),
        "          dashboard_url: /d/campanile-slo".to_owned(),
    ]);
    rule
}

/// How much may be bad, in per cent.
fn percent(slo: &Slo) -> String {
    let percent = format!("{:.6}", 100.0 - slo.objective);
    percent.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn burning(slo: &Slo, alarm: &Alarm, errors_min: u32) -> String {
    let name = &slo.name;
    let burns = alarm.burns.iter().map(|Burn { factor, long, short }| {
        let over = |window| {
            format!(
                "slo:sli_error:ratio_rate{window}{{slo=\"{name}\"}} > {factor} * {}",
                slo.budget()
            )
        };
        format!("  {}\n    and {}", over(long), over(short))
    });
    let burns: Vec<String> = burns.collect();
    let (back, every, seconds) = alarm.counted;
    format!(
        "(\n{}\n)\n  and sum_over_time(slo:sli_errors:rate5m{{slo=\"{name}\"}}[{back}:{every}]) * {seconds} >= {errors_min}",
        burns.join("\n  or\n"),
    )
}

/// An expression as a block of YAML, which needs no escapes.
fn written(expression: &str) -> Vec<String> {
    let lines = expression.trim().lines().map(|line| format!("          {line}"));
    std::iter::once("        expr: |-".to_owned()).chain(lines).collect()
}
