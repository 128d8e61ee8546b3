//! The rules of Grafana's dashboard-linter, all of them, and ours: what a board breaks, and what
//! excuses it.

mod panels;
mod rendered;

pub(crate) use panels::WITH_EXEMPLARS;

use std::collections::BTreeSet;

use serde_json::Value;

use super::render;
use super::source::{Board, Panel};

/// A rule by the name that the linter has for it.
struct Rule {
    name: &'static str,
    check: Check,
}

/// What is looked at, and what is wrong with it.
enum Check {
    /// Each panel of the source.
    Panel(fn(&Panel) -> Option<String>),
    /// The board as Grafana imports it.
    Board(fn(&Value) -> Option<String>),
    /// Something else keeps the rule.
    Elsewhere,
}

const fn panel(name: &'static str, check: fn(&Panel) -> Option<String>) -> Rule {
    Rule { name, check: Check::Panel(check) }
}

const fn board(name: &'static str, check: fn(&Value) -> Option<String>) -> Rule {
    Rule { name, check: Check::Board(check) }
}

const RULES: &[Rule] = &[
    board("template-datasource-rule", rendered::datasources_have_their_names),
    board("template-job-rule", rendered::has_job),
    board("template-instance-rule", rendered::has_instance),
    board("template-label-promql-rule", rendered::labels_are_asked_for_in_promql),
    board("template-on-time-change-reload-rule", rendered::variables_follow_the_time),
    board("panel-datasource-rule", rendered::panels_use_the_variables),
    panel("panel-title-description-rule", panels::has_title_and_description),
    panel("panel-units-rule", panels::has_unit),
    board("panel-no-targets-rule", rendered::panels_ask),
    // Every query of every board is read where it is held against the contract of the log, in
    // tidy/tower; and a Loki is asked it, where one runs.
    Rule { name: "target-logql-rule", check: Check::Elsewhere },
    panel("target-logql-auto-rule", panels::logs_use_the_interval),
    // Every query of every board is parsed where it is held against the catalogue, in tidy/tower.
    Rule { name: "target-promql-rule", check: Check::Elsewhere },
    panel("target-rate-interval-rule", panels::rates_use_the_interval),
    panel("target-job-rule", panels::asks_for_job),
    panel("target-instance-rule", panels::asks_for_instance),
    panel("target-counter-agg-rule", panels::counters_are_rated),
    board("uneditable-dashboard", rendered::is_not_editable),
    // Ours.
    panel("target-legend", panels::series_have_names),
    panel("panel-exemplars", panels::exemplars_are_shown),
];

/// Something that breaks a rule, with the panel where it is one.
struct Break {
    rule: &'static str,
    panel: Option<String>,
    what: String,
}

/// What is wrong with the board, and which of its exceptions excuse nothing.
pub(crate) fn lint(board: &Board) -> Vec<String> {
    let breaks = breaks(board);
    let mut wrong = Vec::new();
    let mut excused: BTreeSet<(&str, &str)> = BTreeSet::new();
    for Break { rule, panel, what } in &breaks {
        let mut keys = board.lint_exceptions.keys();
        match keys.find(|key| Exception::of(key).excuses(rule, panel.as_deref())) {
            Some(key) => {
                excused.insert((key, rule));
            }
            None => {
                let title = panel.as_ref().unwrap_or(&board.title);
                wrong.push(format!("`{title}` breaks {rule}: {what}"));
            }
        }
    }
    for (key, reason) in &board.lint_exceptions {
        let rules = Exception::of(key).rules;
        let idle = rules.into_iter().filter(|rule| !excused.contains(&(key.as_str(), rule)));
        wrong.extend(idle.map(|rule| format!("the exception `{key}` excuses nothing of {rule}")));
        if reason.trim().is_empty() {
            wrong.push(format!("the exception `{key}` has no reason"));
        }
    }
    wrong
}

/// The key of an exception: `rule`, `rule: panel`, or several rules with commas between them.
struct Exception<'k> {
    rules: Vec<&'k str>,
    panel: Option<&'k str>,
}

impl<'k> Exception<'k> {
    fn of(key: &'k str) -> Self {
        let (rules, panel) =
            key.split_once(": ").map_or((key, None), |(rules, panel)| (rules, Some(panel)));
        Self { rules: rules.split(", ").collect(), panel }
    }

    fn excuses(&self, rule: &str, panel: Option<&str>) -> bool {
        self.rules.contains(&rule) && (self.panel.is_none() || self.panel == panel)
    }
}

fn breaks(board: &Board) -> Vec<Break> {
    let imported = render::dashboard(board);
    let mut breaks = Vec::new();
    for Rule { name: rule, check } in RULES {
        match check {
            Check::Board(check) => {
                breaks.extend(check(&imported).map(|what| Break { rule, panel: None, what }))
            }
            Check::Panel(check) => breaks.extend(board.panels().filter_map(|panel| {
                Some(Break { rule, panel: Some(panel.title.clone()), what: check(panel)? })
            })),
            Check::Elsewhere => {}
        }
    }
    breaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(panel: &str, exceptions: &str) -> Vec<String> {
        let text = format!(
            "title = \"T\"\ndescription = \"D\"\n{exceptions}\n[[rows]]\ntitle = \"R\"\n[[rows.panels]]\n{panel}"
        );
        lint(&Board::parse("dashboards/source/t.toml", &text).expect("the source is well made"))
    }

    const GOOD: &str = "title = \"P\"\ndescription = \"D\"\nunit = \"ops\"\nqueries = [{legend = \"all\", expr = '''sum(rate(a_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))'''}]\n";

    const RATED: &str =
        "sum(rate(a_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))";

    const LOGS: &str = "title = \"P\"\ndescription = \"D\"\nunit = \"ops\"\ndatasource = \"loki\"\nqueries = [{legend = \"all\", expr = '''sum(rate({job=\"a\"} |~ \"[a-z]+\" [$__auto]))'''}]\n";

    #[test]
    fn a_good_panel_is_left_alone() {
        assert_eq!(board(GOOD, ""), Vec::<String>::new());
        assert_eq!(board(LOGS, ""), Vec::<String>::new());
        let table = GOOD.replace("unit", "kind = \"table\"\nunit");
        assert_eq!(board(&table, ""), Vec::<String>::new());
    }

    #[test]
    fn a_histogram_with_exemplars_shows_them_and_nothing_else_does() {
        let latency = GOOD.replace("a_total", "chat_message_delivery_latency_seconds_bucket");
        let with = |panel: &str| panel.replace("unit =", "exemplars = true\nunit =");
        assert!(board(&latency, "")[0].contains("panel-exemplars: it hides"), "{latency}");
        assert_eq!(board(&with(&latency), ""), Vec::<String>::new());
        assert!(board(&with(GOOD), "")[0].contains("panel-exemplars: nothing that it shows"));
        let stat = latency.replace("unit =", "kind = \"stat\"\nunit =");
        assert_eq!(board(&stat, ""), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        for (panel, good, bad, rule) in [
            (
                GOOD,
                "description = \"D\"\n",
                "description = \" \"\n",
                "panel-title-description-rule",
            ),
            (GOOD, "unit = \"ops\"\n", "", "panel-units-rule"),
            (GOOD, "unit = \"ops\"\n", "unit = \"op\"\n", "panel-units-rule"),
            (GOOD, "unit = \"ops\"\n", "kind = \"table\"\n", "panel-units-rule"),
            (GOOD, ", instance=~\"$instance\"", "", "target-instance-rule"),
            (GOOD, "job=~\"$job\", ", "", "target-job-rule"),
            (GOOD, "job=~\"$job\", ", "job=\"$job\", ", "target-job-rule"),
            (GOOD, "job=~\"$job\", ", "job=~\".*$job\", ", "target-job-rule"),
            (GOOD, "))", ")) + sum(b)", "target-job-rule"),
            (GOOD, "$__rate_interval", "5m", "target-rate-interval-rule"),
            (GOOD, "$__rate_interval", "$__interval", "target-rate-interval-rule"),
            (GOOD, "$__rate_interval", "$__auto", "target-rate-interval-rule"),
            (GOOD, "$__rate_interval", "$__range", "target-rate-interval-rule"),
            (GOOD, "sum(rate(", "sum(changes(", "target-counter-agg-rule"),
            (
                GOOD,
                RATED,
                "sum(a_total{job=~\"$job\", instance=~\"$instance\"})",
                "target-counter-agg-rule",
            ),
            (GOOD, "legend = \"all\", ", "", "target-legend"),
            (LOGS, "$__auto", "5m", "target-logql-auto-rule"),
            (LOGS, "$__auto", "$__interval", "target-logql-auto-rule"),
            (LOGS, "$__auto", "$__rate_interval", "target-logql-auto-rule"),
        ] {
            assert!(panel.contains(good), "{good}");
            let bad = panel.replace(good, bad);
            let found = self::board(&bad, "");
            assert!(found.iter().any(|what| what.contains(rule)), "{rule}: {bad}: {found:?}");
        }
    }

    #[test]
    fn what_is_no_rate_may_look_back_over_all_that_is_shown() {
        let increase = GOOD.replace("rate(", "increase(");
        assert_eq!(
            board(&increase.replace("$__rate_interval", "$__range"), ""),
            Vec::<String>::new()
        );
        let fixed = board(&increase.replace("$__rate_interval", "1h"), "");
        assert!(fixed[0].contains("target-rate-interval-rule"), "{fixed:?}");
    }

    #[test]
    fn an_exception_needs_a_reason_and_something_to_excuse() {
        let bad = GOOD.replace("unit = \"ops\"\n", "");
        let excuse = "lint_exceptions = {\"panel-units-rule: P\" = \"it has none\"}";
        assert_eq!(board(&bad, excuse), Vec::<String>::new());
        assert!(board(GOOD, excuse)[0].contains("excuses nothing of panel-units-rule"));
        let unfounded = board(&bad, "lint_exceptions = {panel-units-rule = \"\"}");
        assert!(unfounded[0].contains("no reason"), "{unfounded:?}");
        let other = "lint_exceptions = {\"panel-units-rule: Q\" = \"it has none\"}";
        assert_eq!(board(&bad, other).len(), 2);
    }

    #[test]
    fn an_exception_of_several_rules_excuses_something_of_each() {
        let of_both = "lint_exceptions = {\"target-job-rule, target-instance-rule: P\" = \"why\"}";
        let neither = GOOD.replace("{job=~\"$job\", instance=~\"$instance\"}", "");
        assert_eq!(board(&neither, of_both), Vec::<String>::new());
        let found = board(&GOOD.replace("job=~\"$job\", ", ""), of_both);
        assert!(found[0].contains("excuses nothing of target-instance-rule"), "{found:?}");
    }

    #[test]
    fn no_rule_is_there_twice() {
        let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
