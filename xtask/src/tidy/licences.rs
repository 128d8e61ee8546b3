//! Licences: every package that we build with allows what we do with it.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::finding::Finding;

/// Licences that let anyone use, change and pass on our programs.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The packages of the lock file, as cargo describes them.
pub(crate) struct Packages {
    packages: Vec<Value>,
}

impl Packages {
    /// All that the workspace is built with on this platform. Asks the registry only for what is not here yet.
    pub(crate) fn of_workspace(root: &Path) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        let version = cmd!(shell, "rustc -vV").quiet().read()?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say what it builds for")?;
        let metadata = || {
            let command = cmd!(shell, "cargo metadata --quiet --format-version 1 --locked");
            command.args(["--filter-platform", host]).quiet()
        };
        let offline = metadata().arg("--offline").ignore_stderr();
        let text = offline.read().or_else(|_| metadata().read());
        let text = text.context("cannot describe the workspace: is Cargo.lock up to date?")?;
        let mut metadata: Value =
            serde_json::from_str(&text).context("cannot read cargo's metadata")?;
        let packages = metadata["packages"].take().as_array().cloned().unwrap_or_default();
        Ok(Self { packages })
    }

    pub(crate) fn check(&self) -> Vec<Finding> {
        self.packages.iter().filter_map(check_package).collect()
    }

    /// The packages of such metadata, for tests.
    #[cfg(test)]
    pub(crate) fn of(packages: &[Value]) -> Self {
        Self { packages: packages.to_vec() }
    }
}

fn check_package(package: &Value) -> Option<Finding> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    let what = match package["license"].as_str() {
        Some(licence) if is_allowed(licence) => return None,
        Some(licence) => format!("`{name}` has the licence {licence}, which is not on our list"),
        None => format!("`{name}` does not name its licence"),
    };
    Some(Finding::about("Cargo.lock", what))
}

fn is_allowed(licence: &str) -> bool {
    let spaced = licence.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words = spaced.split_whitespace().rev().map(str::to_owned).collect();
    let mut expression = Expression { words };
    expression.any_of() && expression.words.is_empty()
}

/// An SPDX expression: names, joined by AND, OR and brackets; old packages write `/` for OR.
struct Expression {
    /// The words still to be read, the next one last.
    words: Vec<String>,
}

impl Expression {
    fn any_of(&mut self) -> bool {
        let mut allowed = self.all_of();
        while self.takes("OR") {
            allowed |= self.all_of();
        }
        allowed
    }

    fn all_of(&mut self) -> bool {
        let mut allowed = self.one();
        while self.takes("AND") {
            allowed &= self.one();
        }
        allowed
    }

    fn one(&mut self) -> bool {
        if self.takes("(") {
            return self.any_of() & self.takes(")");
        }
        let name = self.words.pop().unwrap_or_default();
        // An exception only ever allows more.
        if self.takes("WITH") {
            self.words.pop();
        }
        ALLOWED.contains(&name.as_str())
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.words.last().is_some_and(|next| next == word);
        if is_next {
            self.words.pop();
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::says;
    use super::*;

    #[test]
    fn expressions_are_understood() {
        for (text, allowed) in [
            ("MIT OR Apache-2.0", true),
            ("MIT/GPL-3.0", true),
            ("(MIT OR GPL-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT AND GPL-3.0-or-later", false),
            ("GPL-3.0-or-later", false),
            ("AGPL-3.0 OR LGPL-2.1", false),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(text), allowed, "{text}");
        }
    }

    #[test]
    fn a_package_that_may_not_be_used_is_found() {
        let packages = Packages::of(&[
            json!({"name": "good", "version": "1.0.0", "license": "MIT"}),
            json!({"name": "strict", "version": "2.0.0", "license": "GPL-3.0-only"}),
            json!({"name": "silent", "version": "3.0.0", "license": null}),
        ]);
        let findings = packages.check();
        assert_eq!(findings.len(), 2);
        says(&findings, "Cargo.lock:1: `strict 2.0.0` has the licence GPL-3.0-only");
        says(&findings, "Cargo.lock:1: `silent 3.0.0` does not name its licence");
    }
}
