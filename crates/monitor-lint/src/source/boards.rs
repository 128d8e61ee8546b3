//! Boards of Grafana, and their panels.

use std::ops::Range;

use super::kinds::board;
use super::questions::{Language, Query, Subject};
use super::{Node, Origin};

#[derive(Debug)]
pub(crate) struct Board<'f> {
    pub(crate) origin: Origin<'f>,
    /// Whether it is wrapped in `{"dashboard": …}`, as only the API wants it.
    pub(crate) is_wrapped: bool,
    pub(crate) node: Node,
    pub(crate) panels: Vec<Panel>,
}

/// What shows something. A row only holds others.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) node: Node,
    pub(crate) title: String,
    pub(crate) kind: String,
    /// Which of the queries of the setup it asks.
    pub(crate) queries: Range<usize>,
}

pub(crate) fn read<'f>(
    document: &Node,
    origin: Origin<'f>,
    queries: &mut Vec<Query<'f>>,
) -> Option<Board<'f>> {
    let node = board(document)?.clone();
    let mut found = Vec::new();
    collect(&node, &mut found);
    let panels = found.into_iter().map(|panel| read_panel(panel, origin, queries)).collect();
    Some(Board { origin, is_wrapped: document.get("dashboard").is_some(), panels, node })
}

/// The panels of a board, those in rows with them.
fn collect<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    for panel in node.list("panels").iter().chain(node.list("rows")) {
        let is_row = panel.text_of("type") == Some("row") || panel.get("type").is_none();
        if panel.get("targets").is_some() || !is_row {
            found.push(panel);
        }
        collect(panel, found);
    }
}

fn read_panel<'f>(node: &Node, origin: Origin<'f>, queries: &mut Vec<Query<'f>>) -> Panel {
    let title = node.text_of("title").unwrap_or_default().to_owned();
    let first = queries.len();
    for target in node.list("targets") {
        let Some(expression) = target.get("expr") else { continue };
        let Some(text) = expression.text().filter(|text| !text.trim().is_empty()) else { continue };
        let language = language(target).or(language(node)).unwrap_or(Language::Unknown);
        let place = (expression.line, expression.column);
        let mut query = Query::read(origin, place, text, Subject::Panel(title.clone()), language);
        query.legend = target.text_of("legendFormat").unwrap_or_default().to_owned();
        queries.push(query);
    }
    let kind = node.text_of("type").unwrap_or_default().to_owned();
    Panel { title, kind, queries: first..queries.len(), node: node.clone() }
}

/// The language of what is asked, where the data source says its type.
fn language(of: &Node) -> Option<Language> {
    let source = of.get("datasource")?;
    match source.text_of("type")? {
        "prometheus" => Some(Language::Promql),
        "loki" => Some(Language::Logql),
        _ => None,
    }
}
