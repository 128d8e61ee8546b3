//! Rules: alerts, and series that are recorded.

use super::questions::{Language, Query, Subject};
use super::{Node, Origin, Place};

/// A rule, whose expression is a query of the setup.
#[derive(Debug)]
pub(crate) struct Rule<'f> {
    pub(crate) origin: Origin<'f>,
    pub(crate) what: AlertOrRecord,
    /// Which of the queries of the setup.
    pub(crate) query: usize,
    pub(crate) severity: Option<String>,
    pub(crate) node: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AlertOrRecord {
    Alert(String),
    Record(String),
}

impl<'f> Rule<'f> {
    pub(crate) fn alert(&self) -> Option<&str> {
        match &self.what {
            AlertOrRecord::Alert(name) => Some(name),
            AlertOrRecord::Record(_) => None,
        }
    }

    pub(crate) fn place(&self) -> Place<'f> {
        self.origin.of_node(&self.node)
    }

    /// Where a label or an annotation, or whatever lies at this path, stands.
    pub(crate) fn place_at(&self, path: &[&str]) -> Place<'f> {
        self.node.at(path).map_or(self.place(), |node| self.origin.of_node(node))
    }
}

/// The rules of a document, each with its query: in groups, in an object for the operator of
/// Prometheus, or in a list without a group.
pub(crate) fn read<'f>(
    document: &Node,
    origin: Origin<'f>,
    language: Language,
    queries: &mut Vec<Query<'f>>,
) -> Vec<Rule<'f>> {
    let outer = document.get("spec").unwrap_or(document);
    let grouped = outer.list("groups").iter().flat_map(|group| group.list("rules"));
    let mut rules = Vec::new();
    for node in grouped.chain(document.items()) {
        let Some(expression) = node.get("expr") else { continue };
        let Some(text) = expression.text() else { continue };
        let (what, subject) = match (node.text_of("alert"), node.text_of("record")) {
            (Some(name), _) => {
                (AlertOrRecord::Alert(name.to_owned()), Subject::Alert(name.to_owned()))
            }
            (None, Some(name)) => {
                (AlertOrRecord::Record(name.to_owned()), Subject::Record(name.to_owned()))
            }
            (None, None) => continue,
        };
        let place = (expression.line, expression.column);
        let query = queries.len();
        queries.push(Query::read(origin, place, text, subject, language));
        let severity = node.at(&["labels", "severity"]).and_then(Node::text).map(str::to_owned);
        rules.push(Rule { origin, what, query, severity, node: node.clone() });
    }
    rules
}
