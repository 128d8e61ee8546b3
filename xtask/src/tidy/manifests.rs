//! Every manifest: a name that follows from its folder, and nothing said that the root says.

use toml::Value;

use super::finding::Finding;
use super::manifest::Manifest;
use super::tree::Tree;

/// What a package takes from the root.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = missing(tree);
    for manifest in Manifest::all(tree) {
        findings.extend(check_name(&manifest));
        findings.extend(check_inherited(&manifest));
        findings.extend(check_dependencies(&manifest));
    }
    findings
}

/// Folders under `crates/` whose manifest is not there or cannot be read.
fn missing(tree: &Tree) -> Vec<Finding> {
    let read: Vec<&str> = Manifest::all(tree).iter().map(|manifest| manifest.folder).collect();
    let unread = tree.crates().into_iter().filter(|folder| !read.contains(folder));
    unread
        .map(|folder| {
            Finding::about(&format!("crates/{folder}/Cargo.toml"), "is missing or not TOML")
        })
        .collect()
}

fn check_name(manifest: &Manifest<'_>) -> Option<Finding> {
    let expected = match manifest.folder {
        "xtask" => "xtask".to_owned(),
        folder => format!("campanile-{folder}"),
    };
    let name = package(manifest, "name").and_then(Value::as_str).unwrap_or_default();
    (name != expected).then(|| {
        let what = format!("folder `{}` holds package `{expected}`, not `{name}`", manifest.folder);
        Finding::at(&manifest.path, manifest.line_of("name"), what)
    })
}

fn check_inherited(manifest: &Manifest<'_>) -> Vec<Finding> {
    let package_keys = INHERITED.iter().map(|key| (*key, package(manifest, key)));
    let lints = manifest.table.get("lints");
    package_keys
        .filter(|(_, value)| !value.is_some_and(is_inherited))
        .map(|(key, _)| (key, manifest.line_of(key)))
        .chain((!lints.is_some_and(is_inherited)).then(|| ("lints", manifest.line_of("[lints"))))
        .map(|(key, line)| {
            Finding::at(
                &manifest.path,
                line,
                format!("`{key}` is not inherited (`workspace = true`)"),
            )
        })
        .collect()
}

fn check_dependencies(manifest: &Manifest<'_>) -> Vec<Finding> {
    let own = manifest.dependencies().into_iter().chain(manifest.dev_dependencies());
    own.filter(|(_, value)| !is_inherited(value))
        .map(|(name, _)| {
            let what = format!(
                "the version of `{name}` belongs in the root manifest (`workspace = true`)"
            );
            Finding::at(&manifest.path, manifest.line_of(name), what)
        })
        .collect()
}

fn package<'m>(manifest: &'m Manifest<'_>, key: &str) -> Option<&'m Value> {
    manifest.table.get("package")?.get(key)
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    const GOOD: &str = "\
[package]
name = \"campanile-core\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
bytes = { workspace = true, features = [\"std\"] }
";

    fn manifest(text: &str) -> Vec<Finding> {
        check(&Tree::of(&[("crates/core/Cargo.toml", text)]))
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_fine() {
        assert_eq!(manifest(GOOD), []);
    }

    #[test]
    fn a_package_is_named_after_its_folder() {
        let findings = manifest(&GOOD.replace("campanile-core", "chat-core"));
        says(&findings, "crates/core/Cargo.toml:2: folder `core` holds package `campanile-core`");
    }

    #[test]
    fn an_own_version_is_found() {
        let findings =
            manifest(&GOOD.replace("version.workspace = true\ne", "version = \"1.0.0\"\ne"));
        says(&findings, "crates/core/Cargo.toml:3: `version` is not inherited");
    }

    #[test]
    fn missing_lints_are_found() {
        let findings = manifest(&GOOD.replace("[lints]\nworkspace = true\n", ""));
        says(&findings, "`lints` is not inherited");
    }

    #[test]
    fn a_dependency_with_a_version_of_its_own_is_found() {
        let findings = manifest(&format!("{GOOD}\n[dev-dependencies]\ntoml = \"1.1\"\n"));
        says(&findings, "crates/core/Cargo.toml:16: the version of `toml` belongs in the root");
    }

    #[test]
    fn a_folder_without_a_manifest_is_found() {
        let findings = check(&Tree::of(&[("crates/core/src/lib.rs", "")]));
        says(&findings, "crates/core/Cargo.toml:1: is missing or not TOML");
    }
}
