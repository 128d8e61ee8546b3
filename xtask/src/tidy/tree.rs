//! The files of the repository as the rules see them: paths and texts, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// Paths are relative to the root and use `/`.
pub(crate) struct Tree {
    /// A file that is not UTF-8 has an empty text: it exists, and no rule reads it.
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads every file that git tracks or would track.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        let listing = cmd!(shell, "git ls-files -z --cached --others --exclude-standard")
            .quiet()
            .read()
            .context("cannot list the files of the repository")?;
        let mut files = BTreeMap::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            // One that was deleted and not yet committed is listed, and is gone.
            if let Ok(bytes) = fs::read(root.join(path)) {
                files.insert(path.to_owned(), String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Every file, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files at or below `folder` whose name ends in `.extension`.
    pub(crate) fn below(
        &self,
        folder: &str,
        extension: &str,
    ) -> impl Iterator<Item = (&str, &str)> {
        let (folder, suffix) = (format!("{folder}/"), format!(".{extension}"));
        self.files().filter(move |(path, _)| path.starts_with(&folder) && path.ends_with(&suffix))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file, or a folder with a file in it.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || {
            let folder = format!("{path}/");
            self.files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(file, _)| file.starts_with(&folder))
        }
    }

    /// The folders under `crates/`.
    pub(crate) fn crates(&self) -> Vec<&str> {
        let mut folders: Vec<&str> = self
            .files()
            .filter_map(|(path, _)| path.strip_prefix("crates/")?.split_once('/'))
            .map(|(folder, _)| folder)
            .collect();
        folders.dedup();
        folders
    }

    /// A tree made of these files, for the tests of a rule.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
        Self { files }
    }
}
