//! Manifests that are made of our alerts and boards: rules for the Prometheus operator, and boards
//! as Grafana's sidecar finds them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Where the rules and the boards go. Nothing else lies there.
pub(crate) const FOLDERS: [&str; 2] =
    ["deploy/kubernetes/monitoring/rules", "deploy/kubernetes/monitoring/dashboards"];

/// How far the text of a board is moved in to stand below its name.
const BOARD_INDENT: &str = "    ";

/// The manifests for the repository at `root`: paths and texts.
pub(crate) fn rendered(root: &Path) -> Result<Vec<(String, String)>> {
    let mut sources = Vec::new();
    for folder in ["alerts", "dashboards"] {
        let entries = fs::read_dir(root.join(folder));
        for entry in entries.with_context(|| format!("there is no folder {folder}"))? {
            let path = entry?.path();
            if path.is_file() {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let path = path.strip_prefix(root).unwrap_or(&path);
                sources.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    sources.sort();
    Ok(rendered_of(sources.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
}

/// Writes the manifests of the repository at `root`, and removes those that are made of nothing.
pub(crate) fn write(root: &Path) -> Result<()> {
    let fresh = rendered(root)?;
    for path in written(root)? {
        if !fresh.iter().any(|(known, _)| *known == path) {
            fs::remove_file(root.join(&path)).with_context(|| format!("cannot remove {path}"))?;
        }
    }
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder)).with_context(|| format!("cannot make {folder}"))?;
    }
    for (path, text) in fresh {
        fs::write(root.join(&path), text).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

/// The files that are there now.
fn written(root: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        if let Ok(entries) = fs::read_dir(root.join(folder)) {
            for entry in entries {
                paths.push(format!("{folder}/{}", entry?.file_name().to_string_lossy()));
            }
        }
    }
    Ok(paths)
}

/// The same for sources that were read already, in the order of their paths. What is no source is
/// passed over.
pub(crate) fn rendered_of<'s>(
    sources: impl Iterator<Item = (&'s str, &'s str)>,
) -> Vec<(String, String)> {
    let [rules_folder, boards_folder] = FOLDERS;
    let (mut rules, mut boards) = (Vec::new(), Vec::new());
    for (path, text) in sources {
        if let Some(stem) = stem(path, "alerts", ".yaml") {
            rules.push((format!("{rules_folder}/{stem}.yaml"), rule(path, stem, text)));
        } else if let Some(stem) = stem(path, "dashboards", ".json") {
            boards.push((format!("{boards_folder}/{stem}.yaml"), board(path, stem, text)));
        }
    }
    let lists = [list(rules_folder, &rules), list(boards_folder, &boards)];
    rules.into_iter().chain(boards).chain(lists).collect()
}

/// The name of a file that lies in the folder itself and ends so.
fn stem<'p>(path: &'p str, folder: &str, end: &str) -> Option<&'p str> {
    let name = path.strip_prefix(folder)?.strip_prefix('/')?;
    name.strip_suffix(end).filter(|stem| !stem.contains('/'))
}

fn header(source: &str) -> String {
    format!("# Generated from {source}: change that, then run `cargo xtask docs`.\n\n")
}

/// The groups of a file of rules are what the specification of a PrometheusRule is.
fn rule(source: &str, stem: &str, text: &str) -> String {
    let metadata = metadata(&format!("campanile-{stem}"), "rules", "");
    let groups = indented(text, "  ");
    let header = header(source);
    let kind = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n";
    format!("{header}{kind}{metadata}spec:\n{groups}")
}

fn board(source: &str, stem: &str, text: &str) -> String {
    let label = "    grafana_dashboard: \"1\"\n";
    let metadata = metadata(&format!("campanile-dashboard-{stem}"), "dashboards", label);
    let text = indented(text, BOARD_INDENT);
    let header = header(source);
    format!("{header}apiVersion: v1\nkind: ConfigMap\n{metadata}data:\n  {stem}.json: |\n{text}")
}

fn metadata(name: &str, component: &str, more_labels: &str) -> String {
    format!(
        "metadata:
  name: {name}
  namespace: campanile
  labels:
    app.kubernetes.io/name: campanile
    app.kubernetes.io/component: {component}
    app.kubernetes.io/part-of: campanile
{more_labels}"
    )
}

/// The kustomization that names each of the files.
fn list(folder: &str, files: &[(String, String)]) -> (String, String) {
    let source = if folder == FOLDERS[0] { "alerts/*.yaml" } else { "dashboards/*.json" };
    let mut text = header(source);
    text.push_str("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:");
    text.push_str(if files.is_empty() { " []\n" } else { "\n" });
    for (path, _) in files {
        let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
        text.push_str(&format!("  - {name}\n"));
    }
    (format!("{folder}/kustomization.yaml"), text)
}

/// Each line further in; empty lines stay empty.
fn indented(text: &str, by: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{by}{line}\n"),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_keep_their_text_and_profiles_are_left_out() {
        let sources = [
            ("alerts/profiles/prosody.yaml", "groups: []\n"),
            ("alerts/tests/up.yaml", "tests: []\n"),
            ("alerts/up.yaml", "# Why.\n\ngroups:\n  - name: up\n"),
            ("alerts/slo.toml", ""),
        ];
        let files = rendered_of(sources.into_iter());
        let [(path, text), (_, rules), (_, boards)] = files.as_slice() else {
            panic!("one file of rules and two lists, not {files:?}")
        };
        assert_eq!(path, "deploy/kubernetes/monitoring/rules/up.yaml");
        assert!(text.starts_with("# Generated from alerts/up.yaml"), "{text}");
        assert!(text.ends_with("spec:\n  # Why.\n\n  groups:\n    - name: up\n"), "{text}");
        assert!(rules.ends_with("resources:\n  - up.yaml\n"), "{rules}");
        assert!(boards.ends_with("resources: []\n"), "{boards}");
    }

    #[test]
    fn a_board_is_the_value_of_its_name() {
        let files = rendered_of([("dashboards/slo.json", "{\n  \"uid\": \"x\"\n}\n")].into_iter());
        let (path, text) = &files[0];
        assert_eq!(path, "deploy/kubernetes/monitoring/dashboards/slo.yaml");
        assert!(text.contains("    grafana_dashboard: \"1\"\n"), "{text}");
        assert!(
            text.ends_with("data:\n  slo.json: |\n    {\n      \"uid\": \"x\"\n    }\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_made_of_nothing_is_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path();
        for (path, text) in [
            ("alerts/up.yaml", "groups: []\n"),
            ("dashboards/slo.json", "{}\n"),
            ("deploy/kubernetes/monitoring/rules/gone.yaml", "x\n"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("every file has a folder"))
                .expect("folders can be made");
            fs::write(path, text).expect("files can be written");
        }
        write(root).expect("the manifests can be written");
        let mut paths = written(root).expect("the folders can be read");
        paths.sort();
        let names =
            ["dashboards/kustomization", "dashboards/slo", "rules/kustomization", "rules/up"];
        let expected = names.map(|name| format!("deploy/kubernetes/monitoring/{name}.yaml"));
        assert_eq!(paths, expected);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "UPDATE=1 asks for the files to be rewritten")]
    fn the_manifests_of_rules_and_boards_are_fresh() {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tasks lie in the repository");
        if std::env::var_os("UPDATE").is_some() {
            write(root).expect("the manifests can be written");
        }
        let fresh = rendered(root).expect("the sources can be read");
        let is_fresh = |(path, text): &&(String, String)| {
            fs::read_to_string(root.join(path)).is_ok_and(|written| written == *text)
        };
        let stale: Vec<&String> =
            fresh.iter().filter(|file| !is_fresh(file)).map(|(path, _)| path).collect();
        assert!(stale.is_empty(), "stale: {stale:?}: run `cargo xtask docs`");
        let written = written(root).expect("the folders can be read");
        assert_eq!(written.len(), fresh.len(), "made of nothing: run `cargo xtask docs`");
    }
}
