//! The manifest of one of our packages, read as far as the rules need it.

use toml::{Table, Value};

use super::tree::Tree;

/// The tables that name what a package is built with, and what only its tests are built with.
const DEPENDENCIES: [&str; 2] = ["dependencies", "build-dependencies"];
const DEV_DEPENDENCIES: [&str; 1] = ["dev-dependencies"];

pub(crate) struct Manifest<'t> {
    /// `crates/core` is `core`, `xtask` is `xtask`.
    pub(crate) folder: &'t str,
    pub(crate) path: String,
    pub(crate) table: Table,
    text: &'t str,
}

impl<'t> Manifest<'t> {
    /// The manifest of every package of the workspace that has a readable one.
    pub(crate) fn all(tree: &'t Tree) -> Vec<Self> {
        let crates = tree.crates().into_iter().map(|folder| (folder, format!("crates/{folder}")));
        crates
            .chain([("xtask", "xtask".to_owned())])
            .filter_map(|(folder, place)| Self::read(tree, folder, format!("{place}/Cargo.toml")))
            .collect()
    }

    fn read(tree: &'t Tree, folder: &'t str, path: String) -> Option<Self> {
        let text = tree.text(&path)?;
        let table = text.parse().ok()?;
        Some(Self { folder, path, table, text })
    }

    /// What the package is built with.
    pub(crate) fn dependencies(&self) -> Vec<(&str, &Value)> {
        self.entries(&DEPENDENCIES)
    }

    /// What only its tests, benchmarks and examples are built with.
    pub(crate) fn dev_dependencies(&self) -> Vec<(&str, &Value)> {
        self.entries(&DEV_DEPENDENCIES)
    }

    /// The first line that starts with `key`, counted from 1; 1 when there is none.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        let names_key = |line: &str| {
            line.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '=', ']']))
        };
        self.text.lines().position(names_key).map_or(1, |index| index + 1)
    }

    fn entries(&self, sections: &[&str]) -> Vec<(&str, &Value)> {
        let platforms = self.table.get("target").and_then(Value::as_table);
        let tables = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        [&self.table]
            .into_iter()
            .chain(tables)
            .flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()))
            .flat_map(|section| section.iter().map(|(name, value)| (name.as_str(), value)))
            .collect()
    }
}
