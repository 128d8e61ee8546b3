//! The rules that Grafana's dashboard-linter has for boards, as far as they are not kept by the
//! renderer for all boards alike.

use std::collections::BTreeMap;

use super::source::{Board, Datasource, Panel, PanelKind};

/// A rule: what it is called, and what is wrong with a panel.
type Rule = (&'static str, fn(&Panel) -> Option<String>);

/// The histograms whose buckets name a trace, as `docs/logs.md` has it.
pub(crate) const WITH_EXEMPLARS: &[&str] = &["chat_message_delivery_latency_seconds"];

const RULES: &[Rule] = &[
    ("panel-title-description", has_title_and_description),
    ("panel-units", has_unit),
    ("target-job-instance", asks_for_job_and_instance),
    ("target-rate-interval", rates_use_the_interval),
    ("target-counter", counters_are_rated),
    ("target-legend", series_have_names),
    ("panel-exemplars", exemplars_are_shown),
];

/// What is wrong with the board, and which of its exceptions excuse nothing.
pub(crate) fn lint(board: &Board) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut excused: BTreeMap<&str, usize> = BTreeMap::new();
    for panel in board.panels() {
        for (rule, check) in RULES {
            let Some(what) = check(panel) else { continue };
            let name = format!("{rule}: {}", panel.title);
            let exception = [*rule, name.as_str()]
                .into_iter()
                .find_map(|key| board.lint_exceptions.get_key_value(key));
            match exception {
                Some((key, _)) => *excused.entry(key).or_default() += 1,
                None => wrong.push(format!("`{}` breaks {rule}: {what}", panel.title)),
            }
        }
    }
    for (key, reason) in &board.lint_exceptions {
        if !excused.contains_key(key.as_str()) {
            wrong.push(format!("the exception `{key}` excuses nothing"));
        }
        if reason.trim().is_empty() {
            wrong.push(format!("the exception `{key}` has no reason"));
        }
    }
    wrong
}

fn has_title_and_description(panel: &Panel) -> Option<String> {
    let empty = panel.title.trim().is_empty() || panel.description.trim().is_empty();
    empty.then(|| "it has no title or no description".to_owned())
}

fn has_unit(panel: &Panel) -> Option<String> {
    let needs = !matches!(panel.kind, PanelKind::Logs | PanelKind::Table);
    (needs && panel.unit.is_empty()).then(|| "it has no unit".to_owned())
}

fn asks_for_job_and_instance(panel: &Panel) -> Option<String> {
    if panel.datasource == Datasource::Loki {
        return None;
    }
    let matchers = ["job=~\"$job\"", "instance=~\"$instance\""];
    let lacking = panel.queries.iter().find(|query| {
        // Every selector in braces asks for both; one without braces asks for neither.
        let selectors: Vec<&str> =
            query.expr.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        selectors.is_empty()
            || selectors.iter().any(|selector| matchers.iter().any(|m| !selector.contains(m)))
    });
    lacking.map(|query| format!("`{}` does not ask for job and instance", query.expr))
}

fn rates_use_the_interval(panel: &Panel) -> Option<String> {
    let fixed = panel.queries.iter().find(|query| {
        ["rate(", "increase("].iter().any(|function| query.expr.contains(function))
            && query.expr.contains('[')
            && !query.expr.split('[').skip(1).all(|range| range.starts_with("$__"))
    });
    fixed.map(|query| format!("`{}` looks back a fixed time", query.expr))
}

fn counters_are_rated(panel: &Panel) -> Option<String> {
    let bare = panel.queries.iter().find(|query| {
        query.expr.contains("_total")
            && !["rate(", "increase("].iter().any(|f| query.expr.contains(f))
    });
    bare.map(|query| format!("`{}` shows a counter as it is", query.expr))
}

fn series_have_names(panel: &Panel) -> Option<String> {
    let needs = matches!(panel.kind, PanelKind::Graph | PanelKind::Bars | PanelKind::Stat);
    let nameless = panel.queries.iter().find(|query| needs && query.legend.is_empty());
    nameless.map(|query| format!("`{}` has no legend", query.expr))
}

/// What is shown over time of a histogram that has exemplars shows these; and nothing else has any.
fn exemplars_are_shown(panel: &Panel) -> Option<String> {
    let has = WITH_EXEMPLARS.iter().any(|name| {
        panel.queries.iter().any(|query| query.expr.contains(&format!("{name}_bucket")))
    });
    let can = has && panel.datasource == Datasource::Prometheus && !panel.kind.is_instant();
    match (can, panel.exemplars) {
        (true, false) => Some("it hides the exemplars of its histogram".to_owned()),
        (false, true) => Some("nothing that it shows has exemplars".to_owned()),
        _ => None,
    }
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

    #[test]
    fn a_good_panel_is_left_alone() {
        assert_eq!(board(GOOD, ""), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        for (good, bad, rule) in [
            ("description = \"D\"\nunit", "description = \" \"\nunit", "panel-title-description"),
            ("unit = \"ops\"\n", "", "panel-units"),
            (", instance=~\"$instance\"", "", "target-job-instance"),
            ("$__rate_interval", "5m", "target-rate-interval"),
            ("sum(rate(", "sum((", "target-counter"),
            ("legend = \"all\", ", "", "target-legend"),
        ] {
            let found = board(&GOOD.replace(good, bad), "");
            assert!(found.iter().any(|what| what.contains(rule)), "{rule}: {found:?}");
        }
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
    fn an_exception_needs_a_reason_and_something_to_excuse() {
        let bad = GOOD.replace("unit = \"ops\"\n", "");
        let excuse = "lint_exceptions = {\"panel-units: P\" = \"it has none\"}";
        assert_eq!(board(&bad, excuse), Vec::<String>::new());
        assert!(board(GOOD, excuse)[0].contains("excuses nothing"));
        assert!(board(&bad, "lint_exceptions = {panel-units = \"\"}")[0].contains("no reason"));
    }
}
