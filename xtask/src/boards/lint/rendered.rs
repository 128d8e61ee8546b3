//! What the rules say of a board as Grafana imports it: its variables, and what all panels have.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tower::Query;

/// When Grafana asks for the values of a variable again: when the time that is shown changes.
const ON_TIME_CHANGE: u64 = 2;

/// What the queries of variables may ask of Prometheus.
const FUNCTIONS: [&str; 4] = ["label_names", "label_values", "metrics", "query_result"];

/// Alone, a data source is `datasource`; several are called by their kinds.
pub(super) fn datasources_have_their_names(board: &Value) -> Option<String> {
    let sources: Vec<&Value> = of_type(board, "datasource").collect();
    if sources.is_empty() {
        return Some("no data source can be chosen".to_owned());
    }
    sources.iter().find_map(|source| {
        let kind = text(&source["query"]);
        let mut names = vec![format!("{kind}_datasource")];
        let mut labels = vec![format!("{} data source", capitalised(kind))];
        if sources.len() == 1 {
            names.push("datasource".to_owned());
            labels.push("Data source".to_owned());
        }
        let (name, label) = (text(&source["name"]), text(&source["label"]));
        if !names.iter().any(|known| known == name) {
            return Some(format!("a data source is named `{name}`, not {}", names.join(" or ")));
        }
        let is_labelled = labels.iter().any(|known| known == label);
        (!is_labelled)
            .then(|| format!("a data source is labelled `{label}`, not {}", labels.join(" or ")))
    })
}

pub(super) fn has_job(board: &Value) -> Option<String> {
    has_variable(board, "job")
}

pub(super) fn has_instance(board: &Value) -> Option<String> {
    has_variable(board, "instance")
}

fn has_variable(board: &Value, name: &str) -> Option<String> {
    let Some(variable) = variables(board).find(|variable| variable["name"] == name) else {
        return Some(format!("{name} cannot be chosen"));
    };
    let of_prometheus = of_type(board, "datasource").find(|source| source["query"] == "prometheus");
    let source = of_prometheus.map_or("", |source| text(&source["name"]));
    let fields = [
        ("type", "query".into()),
        ("label", capitalised(name).into()),
        ("multi", true.into()),
        ("allValue", ".+".into()),
    ];
    let wrong =
        fields.into_iter().find(|(field, value): &(&str, Value)| variable[*field] != *value);
    if let Some((field, value)) = wrong {
        return Some(format!("`{field}` of {name} is {}, not {value}", variable[field]));
    }
    let uid = &variable["datasource"]["uid"];
    (*uid != format!("${{{source}}}"))
        .then(|| format!("{name} is asked of {uid}, which is not the Prometheus that was chosen"))
}

pub(super) fn labels_are_asked_for_in_promql(board: &Value) -> Option<String> {
    of_type(board, "query").find_map(|variable| {
        let query = text(&variable["query"]["query"]);
        let (function, rest) = query.split_once('(')?;
        let arguments = rest.strip_suffix(')').unwrap_or_default();
        // What is after the last comma is the label.
        let asked = arguments.rsplit_once(',').map_or(arguments, |(asked, _)| asked);
        let is_right = FUNCTIONS.contains(&function) && Query::parse(asked).is_ok();
        (!is_right).then(|| format!("`{query}` is no question of {}", variable["name"]))
    })
}

pub(super) fn variables_follow_the_time(board: &Value) -> Option<String> {
    let stale = of_type(board, "query").find(|variable| variable["refresh"] != ON_TIME_CHANGE);
    stale.map(|variable| format!("{} stays as it is when the time changes", variable["name"]))
}

pub(super) fn panels_use_the_variables(board: &Value) -> Option<String> {
    let known: BTreeSet<String> = of_type(board, "datasource")
        .map(|source| format!("${{{}}}", text(&source["name"])))
        .collect();
    panels(board).find_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        let mut asked =
            std::iter::once(panel).chain(targets).map(|part| &part["datasource"]["uid"]);
        let other = asked.find(|uid| !known.contains(text(uid)))?;
        Some(format!("{} asks {other}, which nobody chose", panel["title"]))
    })
}

pub(super) fn panels_ask(board: &Value) -> Option<String> {
    let idle = panels(board).find(|panel| panel["targets"].as_array().is_none_or(Vec::is_empty));
    idle.map(|panel| format!("{} asks nothing", panel["title"]))
}

pub(super) fn is_not_editable(board: &Value) -> Option<String> {
    (board["editable"] != false)
        .then(|| "it can be changed, and the change would be lost".to_owned())
}

fn variables(board: &Value) -> impl Iterator<Item = &Value> {
    board["templating"]["list"].as_array().into_iter().flatten()
}

fn of_type<'b>(board: &'b Value, kind: &'b str) -> impl Iterator<Item = &'b Value> {
    variables(board).filter(move |variable| variable["type"] == kind)
}

/// Those that show something; a row only holds others.
fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    let all = board["panels"].as_array().into_iter().flatten();
    all.filter(|panel| panel["type"] != "row")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{render, source::Board};
    use super::*;

    type Check = fn(&Value) -> Option<String>;

    const CHECKS: [Check; 8] = [
        datasources_have_their_names,
        has_job,
        has_instance,
        labels_are_asked_for_in_promql,
        variables_follow_the_time,
        panels_use_the_variables,
        panels_ask,
        is_not_editable,
    ];

    /// A board with a panel, or with one more that asks Loki.
    fn board(with_logs: bool) -> Value {
        let panel = |more: &str| {
            format!(
                "[[rows.panels]]\ntitle = \"P\"\ndescription = \"D\"\n{more}queries = [{{expr = 'up'}}]\n"
            )
        };
        let logs = if with_logs { panel("datasource = \"loki\"\n") } else { String::new() };
        let text = format!(
            "title = \"T\"\ndescription = \"D\"\n[[rows]]\ntitle = \"R\"\n{}{logs}",
            panel("")
        );
        let board = Board::parse("dashboards/source/t.toml", &text).expect("it is well made");
        render::dashboard(&board)
    }

    #[test]
    fn what_we_render_keeps_the_rules() {
        for board in [board(false), board(true)] {
            let wrong: Vec<String> = CHECKS.iter().filter_map(|check| check(&board)).collect();
            assert_eq!(wrong, Vec::<String>::new());
        }
    }

    /// What is said of a board in which the value at a place is another.
    #[track_caller]
    fn with(with_logs: bool, check: Check, place: &str, value: Value) -> String {
        let mut board = board(with_logs);
        *board.pointer_mut(place).expect("there is such a place") = value;
        check(&board).unwrap_or_default()
    }

    #[test]
    fn two_data_sources_are_called_by_their_kinds() {
        let name = |with_logs, place: &str, name: &str| {
            with(with_logs, datasources_have_their_names, place, name.into())
        };
        let first = "/templating/list/0/name";
        assert!(name(true, first, "datasource").contains("not prometheus_datasource"));
        assert_eq!(name(false, first, "prometheus_datasource"), "");
        assert!(name(false, first, "source").contains("or datasource"));
        assert!(name(true, "/templating/list/1/name", "logs").contains("not loki_datasource"));
        let label = name(true, "/templating/list/1/label", "Logs");
        assert!(label.contains("not Loki data source"), "{label}");
        let none = with(false, datasources_have_their_names, "/templating/list", json!([]));
        assert!(none.contains("no data source"));
    }

    #[test]
    fn job_and_instance_can_be_chosen() {
        let (job, instance) = ("/templating/list/1", "/templating/list/2");
        for (field, value) in [
            ("type", json!("custom")),
            ("label", json!("job")),
            ("multi", json!(false)),
            ("allValue", json!(".*")),
            ("datasource/uid", json!("prometheus")),
            ("name", json!("jobs")),
        ] {
            let said = with(false, has_job, &format!("{job}/{field}"), value.clone());
            assert!(said.contains("job"), "{field}: {said}");
            let said = with(false, has_instance, &format!("{instance}/{field}"), value);
            assert!(said.contains("instance"), "{field}: {said}");
        }
    }

    #[test]
    fn a_variable_asks_prometheus_anew() {
        let query = "/templating/list/1/query/query";
        for bad in ["labels(up, job)", "label_values(up{, job)", "label_values()"] {
            let said = with(false, labels_are_asked_for_in_promql, query, bad.into());
            assert!(said.contains("no question"), "{bad}: {said}");
        }
        let said = with(false, variables_follow_the_time, "/templating/list/1/refresh", 1.into());
        assert!(said.contains("stays as it is"));
    }

    #[test]
    fn a_panel_asks_what_was_chosen() {
        let fixed = json!("prometheus");
        for place in ["/panels/1/datasource/uid", "/panels/1/targets/0/datasource/uid"] {
            assert!(with(false, panels_use_the_variables, place, fixed.clone()).contains("nobody"));
        }
        assert!(with(false, panels_ask, "/panels/1/targets", json!([])).contains("asks nothing"));
        assert!(with(false, is_not_editable, "/editable", json!(true)).contains("changed"));
    }
}
