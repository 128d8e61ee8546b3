//! Dashboards: small sources that people write, and the JSON that Grafana imports.

mod expand;
mod lint;
mod render;
mod source;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub(crate) use expand::{Variables, expand};
pub(crate) use lint::{WITH_EXEMPLARS, lint};
pub(crate) use source::{Board, Datasource, Panel};

/// Where the sources lie.
pub(crate) const SOURCES: &str = "dashboards/source";

/// Every board of the repository at `root`, by stem.
pub(crate) fn load(root: &Path) -> Result<Vec<Board>> {
    let mut boards = Vec::new();
    for entry in fs::read_dir(root.join(SOURCES)).context("there are no boards")? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let path = path.strip_prefix(root).unwrap_or(&path);
        boards.push(Board::parse(&path.to_string_lossy(), &text)?);
    }
    boards.sort_by(|a, b| a.stem.cmp(&b.stem));
    Ok(boards)
}

impl Board {
    /// Where its JSON lies.
    pub(crate) fn path(&self) -> String {
        format!("dashboards/{}.json", self.stem)
    }

    /// What Grafana imports.
    pub(crate) fn rendered(&self) -> String {
        let text = serde_json::to_string_pretty(&render::dashboard(self));
        text.expect("a board is plain data") + "\n"
    }
}
