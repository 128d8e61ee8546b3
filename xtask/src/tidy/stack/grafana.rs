//! What Grafana is given: data sources that are there, boards that are found, and each board's data
//! sources among those that are given.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::super::typed;
use super::compose::{Compose, Inside};
use crate::tower::{DATASOURCES, DatasourceFile, LABEL_VALUE, Pane, PaneQuery, ProvidedDatasource};

const PROVIDERS: &str = "deploy/grafana/provisioning/dashboards/campanile.yaml";

const SERVICE: &str = "grafana";

/// Where Grafana looks for both.
const PROVISIONING: [(&str, &str); 2] = [
    (DATASOURCES, "/etc/grafana/provisioning/datasources/campanile.yaml"),
    (PROVIDERS, "/etc/grafana/provisioning/dashboards/campanile.yaml"),
];

/// The label of exemplars, and the field of lines.
const TRACE: &str = "trace_id";

/// The version of the format of both.
const VERSION: u32 = 1;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProviderFile {
    api_version: u32,
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: String,
    #[serde(rename = "folder")]
    _folder: String,
    #[serde(rename = "type")]
    kind: String,
    disable_deletion: bool,
    allow_ui_updates: bool,
    #[serde(rename = "updateIntervalSeconds")]
    _update_interval_seconds: u32,
    options: ProviderOptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProviderOptions {
    path: String,
    #[serde(rename = "foldersFromFilesStructure")]
    _folders_from_files_structure: bool,
}

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, path) in PROVISIONING {
        if compose.inside(SERVICE, path) != Inside::Ours(file.to_owned()) {
            findings.push(compose.wrong(
                SERVICE,
                "volumes",
                &format!("does not bring `{file}` to `{path}`"),
            ));
        }
    }
    let (providers, wrong) = typed::read::<ProviderFile>(tree, PROVIDERS);
    findings.extend(wrong);
    if let Some(file) = providers {
        let wrong = file.check(tree, compose);
        findings.extend(wrong.into_iter().map(|what| Finding::about(PROVIDERS, what)));
    }
    let (datasources, wrong) = typed::read::<DatasourceFile>(tree, DATASOURCES);
    findings.extend(wrong);
    let Some(file) = datasources else { return findings };
    let wrong = check_datasources(&file, compose);
    findings.extend(wrong.into_iter().map(|what| Finding::about(DATASOURCES, what)));
    for (path, text) in tree.below("dashboards", "json") {
        let wrong = check_board(text, &file);
        findings.extend(wrong.into_iter().map(|what| Finding::about(path, what)));
    }
    findings
}

impl ProviderFile {
    fn check(&self, tree: &Tree, compose: &Compose) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.api_version != VERSION {
            wrong.push(format!("`apiVersion` is {}, not {VERSION}", self.api_version));
        }
        let mut names = BTreeSet::new();
        for Provider { name, kind, disable_deletion, allow_ui_updates, options, .. } in
            &self.providers
        {
            if !names.insert(name) {
                wrong.push(format!("`providers`: there are two of the name `{name}`"));
            }
            if kind != "file" {
                wrong.push(format!("`providers.{name}.type` is `{kind}`, not `file`"));
            }
            if !disable_deletion || *allow_ui_updates {
                wrong.push(format!(
                    "`providers.{name}`: boards could be changed in Grafana, and would be lost"
                ));
            }
            let has_boards = match compose.inside(SERVICE, &options.path) {
                Inside::Ours(folder) => tree.below(&folder, "json").next().is_some(),
                _ => false,
            };
            if !has_boards {
                wrong.push(format!(
                    "`providers.{name}.options.path`: there is no board at `{}`",
                    options.path
                ));
            }
        }
        wrong
    }
}

fn check_datasources(file: &DatasourceFile, compose: &Compose) -> Vec<String> {
    let mut wrong = Vec::new();
    if file.api_version != VERSION {
        wrong.push(format!("`apiVersion` is {}, not {VERSION}", file.api_version));
    }
    let (mut uids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for datasource in &file.datasources {
        let name = &datasource.name;
        if !names.insert(name) || !uids.insert(&datasource.uid) {
            wrong.push(format!("`datasources.{name}`: there are two of its name or uid"));
        }
        if datasource.access != "proxy" {
            wrong.push(format!(
                "`datasources.{name}.access` is `{}`: browsers cannot reach it",
                datasource.access
            ));
        }
        wrong.extend(exemplars(file, datasource));
        let lost = compose.unreachable(SERVICE, &datasource.url);
        wrong.extend(lost.map(|why| format!("`datasources.{name}.url`: {why}")));
    }
    let usual = file.datasources.iter().filter(|datasource| datasource.is_default).count();
    if usual != 1 {
        wrong.push(format!("`datasources`: {usual} have `isDefault`, not one"));
    }
    wrong
}

/// Whether the exemplars of Prometheus lead to the lines of their trace in Loki.
fn exemplars(file: &DatasourceFile, datasource: &ProvidedDatasource) -> Vec<String> {
    if datasource.kind != "prometheus" {
        return Vec::new();
    }
    let key = format!("`datasources.{}.jsonData.exemplarTraceIdDestinations`", datasource.name);
    let links = datasource.settings.trace_destinations.iter().filter(|link| link.name == TRACE);
    let mut links = links.peekable();
    if links.peek().is_none() {
        return vec![format!("{key}: the exemplars' `{TRACE}` leads nowhere")];
    }
    let mut wrong = Vec::new();
    for link in links {
        let panes = match link.panes() {
            Ok(panes) => panes,
            Err(error) => {
                wrong.push(format!("{key}: {error:#}"));
                continue;
            }
        };
        let asks = |pane: &Pane| {
            let mut known = file.datasources.iter().filter(|one| one.kind == "loki");
            let asks_for_it =
                |query: &PaneQuery| query.expr.contains(&format!("{TRACE}=\"{LABEL_VALUE}\""));
            known.any(|one| one.uid == pane.datasource) && pane.queries.iter().any(asks_for_it)
        };
        if !panes.iter().any(asks) {
            wrong.push(format!("{key}: asks no Loki for the lines whose `{TRACE}` it is"));
        }
    }
    wrong
}

/// Each data source that the board names is given, by its uid or as what a variable stands for.
fn check_board(text: &str, file: &DatasourceFile) -> Vec<String> {
    // That it is fresh, and so JSON, is said elsewhere.
    let Ok(board) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let variables = board["templating"]["list"].as_array().into_iter().flatten();
    let variables = variables.filter(|variable| variable["type"] == "datasource");
    let variables: BTreeMap<String, &str> = variables
        .filter_map(|variable| {
            Some((format!("${{{}}}", variable["name"].as_str()?), variable["query"].as_str()?))
        })
        .collect();
    let mut named = BTreeSet::new();
    datasources_in(&board, &mut named);
    let mut wrong = Vec::new();
    for (uid, kind) in named {
        let stands_for = variables.get(uid);
        let given = match stands_for {
            Some(of) => *of == kind && file.of_kind(kind).is_some(),
            None => file.datasources.iter().any(|given| given.uid == uid && given.kind == kind),
        };
        if !given {
            wrong.push(format!("`datasource.uid`: Grafana is given no {kind} `{uid}`"));
        }
    }
    wrong
}

/// The uid and the type of every data source below.
fn datasources_in<'v>(value: &'v Value, named: &mut BTreeSet<(&'v str, &'v str)>) {
    match value {
        Value::Object(fields) => {
            if let Some(datasource) = fields.get("datasource") {
                let text = |key: &str| datasource[key].as_str().unwrap_or_default();
                named.insert((text("uid"), text("type")));
            }
            fields.values().for_each(|value| datasources_in(value, named));
        }
        Value::Array(values) => values.iter().for_each(|value| datasources_in(value, named)),
        _ => {}
    }
}
