//! Boards of Grafana: whether they can be loaded, and whether people understand them.

use promql_parser::label::MatchOp;

use crate::finding::{Report, Rule};
use crate::query::selectors;
use crate::source::{Board, Panel, Query, Setup};

pub(super) const BOARD_WRAPPED: Rule =
    Rule::error("board-wrapped", "a board is wrapped as the API wants it, and no file may be");
pub(super) const PANEL_REMOVED: Rule =
    Rule::warning("panel-removed", "a panel is of a kind that Grafana no longer has");
pub(super) const PANEL_TITLE: Rule = Rule::warning("panel-title", "a panel has no title");
pub(super) const PANEL_DESCRIPTION: Rule =
    Rule::info("panel-description", "a panel does not say what it shows");
pub(super) const PANEL_UNIT: Rule = Rule::warning("panel-unit", "numbers have no unit");
pub(super) const PANEL_DATASOURCE: Rule =
    Rule::warning("panel-datasource", "a panel does not say whom it asks");
pub(super) const TITLE_MISLEADS: Rule =
    Rule::warning("title-misleads", "what is shown is not what the title says");

/// Kinds of panels that were written with Angular, and what came in their place.
pub(super) const REMOVED: [(&str, &str); 5] = [
    ("graph", "timeseries"),
    ("singlestat", "stat"),
    ("table-old", "table"),
    ("grafana-piechart-panel", "piechart"),
    ("grafana-worldmap-panel", "geomap"),
];

/// Kinds of panels that show no numbers of their own.
const WITHOUT_NUMBERS: [&str; 9] = [
    "text",
    "logs",
    "news",
    "dashlist",
    "alertlist",
    "annolist",
    "nodeGraph",
    "traces",
    "flamegraph",
];

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for board in setup.boards.iter().filter(|board| board.is_wrapped) {
        let why = "Grafana reads a file of a board as it is: it finds no title at its top, and refuses it";
        let place = board.origin.place(1, 1);
        report.at(&BOARD_WRAPPED, place, why, "what is in \"dashboard\", without the wrapping; with it, POST it to /api/dashboards/db");
    }
    for (board, panel, queries) in setup.panels() {
        kind((board, panel), report);
        if !queries.is_empty() {
            texts((board, panel), report);
        }
    }
    for query in &setup.queries {
        title(query, report);
    }
}

fn kind((board, panel): (&Board<'_>, &Panel), report: &mut Report) {
    if let Some((old, new)) = REMOVED.iter().find(|(old, _)| *old == panel.kind) {
        let node = panel.node.get("type").unwrap_or(&panel.node);
        let why = format!(
            "Grafana has had no panel of type {old} since version 12; it converts what it can when it opens the board"
        );
        report
            .at(&PANEL_REMOVED, board.origin.of_node(node), why, format!("\"type\": \"{new}\""))
            .panel = Some(panel.title.clone());
    }
}

fn texts(about: (&Board<'_>, &Panel), report: &mut Report) {
    let (board, panel) = about;
    let is_empty = |name: &str| panel.node.text_of(name).is_none_or(|text| text.trim().is_empty());
    if is_empty("title") {
        report.panel(
            &PANEL_TITLE,
            about,
            "nobody knows what it is about",
            "a title: what is counted, of what",
        );
    }
    if is_empty("description") {
        report.panel(
            &PANEL_DESCRIPTION,
            about,
            "who is woken at night does not know what is normal",
            "a description: what it shows, what is normal, what to do",
        );
    }
    let has_unit = panel.node.at(&["fieldConfig", "defaults", "unit"]).is_some()
        || panel.node.get("yaxes").is_some()
        || panel
            .node
            .at(&["fieldConfig", "overrides"])
            .is_some_and(|list| list.items().iter().any(sets_unit))
        || panel.node.get("format").is_some();
    if !has_unit && !WITHOUT_NUMBERS.contains(&panel.kind.as_str()) {
        report.panel(
            &PANEL_UNIT,
            about,
            "nobody knows whether it is seconds or milliseconds, a share or a number",
            "fieldConfig.defaults.unit: s, bytes, percentunit, ops, short …",
        );
    }
    let targets = panel.node.list("targets");
    let has_source = panel.node.get("datasource").is_some()
        || !targets.is_empty() && targets.iter().all(|one| one.get("datasource").is_some());
    let by_variable = board.node.at(&["templating", "list"]).is_some_and(|list| {
        list.items().iter().any(|one| one.text_of("type") == Some("datasource"))
    });
    if !has_source {
        let better = if by_variable {
            "the data source of the board's variable"
        } else {
            "\"datasource\": {\"type\": \"prometheus\", \"uid\": \"${datasource}\"}, and a variable of type datasource"
        };
        report.panel(
            &PANEL_DATASOURCE,
            about,
            "it asks whatever is the default data source where it is loaded",
            better,
        );
    }
}

fn sets_unit(of: &crate::source::Node) -> bool {
    of.list("properties").iter().any(|property| property.text_of("id") == Some("unit"))
}

/// Titles that promise a share, a use or a time, over a query that gives none.
fn title(query: &Query<'_>, report: &mut Report) {
    let Some(expression) = query.promql() else { return };
    let title = query.title().to_lowercase();
    let says = |word: &str| title.contains(word);
    let found = selectors(expression);
    let has_mode = |mode: &str| {
        let mut matchers = found.iter().flat_map(|one| one.matchers());
        matchers.any(|one| one.name == "mode" && one.value == mode && one.op == MatchOp::Equal)
    };
    let text = expression.to_string();
    let is_difference = text.contains(" - ");
    if (says("usage") || says("utilization") || says("utilisation"))
        && has_mode("idle")
        && !is_difference
    {
        let why = "it shows how idle the processors are, not how busy";
        report.query(
            &TITLE_MISLEADS,
            query,
            "idle",
            why,
            "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[…]))",
        );
    }
}
