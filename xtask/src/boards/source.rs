//! A board as people write it: rows of panels, and what each panel asks.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What sources write for the matchers of the servers that are looked at.
const OF_SERVERS: &str = "$self";
const SERVERS: &str = r#"job=~"$job", instance=~"$instance""#;

/// The columns that a board is wide.
const COLUMNS: u32 = 24;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Board {
    /// The name of its file; `campanile-STEM` is its uid.
    #[serde(skip)]
    pub(crate) stem: String,
    pub(crate) title: String,
    pub(crate) description: String,
    /// How far back it looks when it is opened.
    #[serde(default = "an_hour")]
    pub(crate) from: String,
    /// Rules of the linter that it breaks, each with the reason.
    #[serde(default)]
    pub(crate) lint_exceptions: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) title: String,
    /// The same for each of its panels.
    #[serde(default)]
    only_where: Option<String>,
    pub(crate) panels: Vec<Panel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) description: String,
    /// The setting or so without which there is nothing to show: `the servers …`. Its reader is told.
    #[serde(default)]
    pub(crate) only_where: Option<String>,
    #[serde(default)]
    pub(crate) kind: PanelKind,
    #[serde(default)]
    pub(crate) datasource: Datasource,
    /// A unit of Grafana: `s`, `bytes`, `ops`, `percentunit`, `short`.
    #[serde(default)]
    pub(crate) unit: String,
    #[serde(default = "a_third")]
    pub(crate) width: u32,
    #[serde(default = "usual_height")]
    pub(crate) height: u32,
    /// From where on a value is bad.
    pub(crate) warn: Option<f64>,
    pub(crate) alarm: Option<f64>,
    /// Whether low values are the bad ones.
    #[serde(default)]
    pub(crate) low_is_bad: bool,
    /// Whether the areas of the series lie on each other.
    #[serde(default)]
    pub(crate) stacked: bool,
    /// Whether single copies are shown beside the lines, each a link to its trace.
    #[serde(default)]
    pub(crate) exemplars: bool,
    /// What values are called.
    #[serde(default)]
    pub(crate) values: BTreeMap<String, String>,
    /// The alerts that watch what this shows: it links their runbooks.
    #[serde(default)]
    pub(crate) runbooks: Vec<String>,
    pub(crate) queries: Vec<PanelQuery>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PanelKind {
    #[default]
    Graph,
    /// One number for each series.
    Stat,
    Bars,
    Table,
    Heatmap,
    /// Lines of a log.
    Logs,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Datasource {
    #[default]
    Prometheus,
    Loki,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PanelQuery {
    pub(crate) expr: String,
    #[serde(default)]
    pub(crate) legend: String,
}

fn an_hour() -> String {
    "now-1h".to_owned()
}

fn a_third() -> u32 {
    COLUMNS / 3
}

fn usual_height() -> u32 {
    7
}

impl PanelKind {
    /// Whether it shows what is now, and not how that came.
    pub(crate) fn is_instant(self) -> bool {
        matches!(self, Self::Stat | Self::Bars | Self::Table)
    }
}

impl Datasource {
    /// What Grafana calls its kind.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Loki => "loki",
        }
    }
}

impl Panel {
    /// What is said of it, with what it needs.
    pub(crate) fn full_description(&self) -> String {
        match &self.only_where {
            Some(needed) => format!("{} Only where {needed}.", self.description),
            None => self.description.clone(),
        }
    }
}

impl Board {
    /// Reads the text of `dashboards/source/STEM.toml`.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self> {
        let mut board: Self = toml::from_str(&text.replace(OF_SERVERS, SERVERS))
            .with_context(|| format!("cannot read {path}"))?;
        let name = path.rsplit('/').next().unwrap_or_default();
        board.stem = name.trim_end_matches(".toml").to_owned();
        for row in &mut board.rows {
            for panel in &mut row.panels {
                panel.only_where = panel.only_where.take().or_else(|| row.only_where.clone());
            }
        }
        for panel in board.panels() {
            ensure!(panel.width <= COLUMNS, "{path}: `{}` is too wide", panel.title);
            ensure!(!panel.queries.is_empty(), "{path}: `{}` asks nothing", panel.title);
        }
        Ok(board)
    }

    pub(crate) fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }

    /// Each query to one kind of datasource, with the title of its panel.
    pub(crate) fn queries(&self, of: Datasource) -> impl Iterator<Item = (&str, &PanelQuery)> {
        let panels = self.panels().filter(move |panel| panel.datasource == of);
        panels.flat_map(|panel| panel.queries.iter().map(|query| (panel.title.as_str(), query)))
    }
}

/// Where each panel of a row stands: its column, and its line below the row's title.
pub(crate) fn places(row: &Row) -> Vec<(u32, u32)> {
    let (mut column, mut line, mut tallest) = (0, 0, 0);
    let mut places = Vec::new();
    for panel in &row.panels {
        if column + panel.width > COLUMNS {
            (column, line, tallest) = (0, line + tallest, 0);
        }
        places.push((column, line));
        column += panel.width;
        tallest = tallest.max(panel.height);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
title = "Logs"
description = "D"
[[rows]]
title = "On their way"
only_where = "the servers ship their logs"
[[rows.panels]]
title = "Shipped"
description = "Lines."
queries = [{ expr = 'a' }]
[[rows.panels]]
title = "Taken"
description = "Lines."
only_where = "somebody asks"
queries = [{ expr = 'a' }]
[[rows]]
title = "All"
[[rows.panels]]
title = "Lines"
description = "All."
queries = [{ expr = 'a' }]
"#;

    #[test]
    fn what_a_row_needs_each_of_its_panels_needs() {
        let board = Board::parse("dashboards/source/logs.toml", TEXT).expect("it is a board");
        let said: Vec<String> = board.panels().map(Panel::full_description).collect();
        let row = "Lines. Only where the servers ship their logs.";
        assert_eq!(said, [row, "Lines. Only where somebody asks.", "All."]);
    }
}
