//! What `monitor-lint` says of our own alerts, boards, configurations and documents: nothing, but for
//! exceptions that say why.

use campanile_monitor_lint::{Catalogue, File, lint};

use super::finding::Finding;
use super::tree::Tree;
use crate::tower::catalogue::{FOREIGN, OURS};
use crate::tower::{self, is_wrong_on_purpose};

/// What is looked at: folders, and the ending of files in them. Unit tests of rules are none.
const PLACES: &[(&str, &str)] = &[
    ("alerts", "yaml"),
    ("dashboards", "json"),
    ("deploy", "yaml"),
    ("deploy", "yml"),
    ("docs", "md"),
    ("deploy", "md"),
    ("crates", "md"),
];

/// They are fed to promtool, and are no rules.
const UNIT_TESTS: &str = "alerts/tests/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = files(tree);
    if files.is_empty() {
        return Vec::new();
    }
    let known = match catalogue(tree) {
        Ok(known) => known,
        Err(finding) => return vec![finding],
    };
    let found = lint(&files, &known);
    found
        .into_iter()
        .map(|one| {
            let what = format!("{}: {}; better: {}", one.rule.id, one.why, one.better);
            Finding::at(&one.file, one.line, what)
        })
        .collect()
}

fn files(tree: &Tree) -> Vec<File> {
    let is_left_out = |path: &str| is_wrong_on_purpose(path) || path.starts_with(UNIT_TESTS);
    let below = PLACES.iter().flat_map(|(folder, ending)| tree.below(folder, ending));
    let top = tree.files().filter(|(path, _)| path.ends_with(".md") && !path.contains('/'));
    let all = below.chain(top).filter(|(path, _)| !is_left_out(path));
    all.map(|(path, text)| File { path: path.to_owned(), text: text.to_owned() }).collect()
}

/// Our metrics, with labels and values, and the names of those of others.
fn catalogue(tree: &Tree) -> Result<Catalogue, Finding> {
    let Some(ours) = tree.text(OURS) else { return Ok(Catalogue::default()) };
    let mut known =
        Catalogue::parse(ours).map_err(|error| Finding::about(OURS, error.to_string()))?;
    let others = tower::Catalogue::parse(ours, tree.text(FOREIGN).unwrap_or_default())
        .map_err(|error| Finding::about(FOREIGN, format!("{error:#}")))?;
    known.learn_names(others.foreign().map(|(name, _)| name));
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    const METRICS: &str = r#"[{"name": "chat_joins_total", "kind": "counter", "labels": []}]"#;

    fn alert(expr: &str) -> Vec<Finding> {
        let rules = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n");
        let document = format!("# A\n\n```yaml\n{rules}```\n");
        let mut found = check(&Tree::of(&[("alerts/a.yaml", &rules), (OURS, METRICS)]));
        found.extend(check(&Tree::of(&[("docs/a.md", &document), (OURS, METRICS)])));
        found
    }

    #[test]
    fn a_rule_and_a_document_are_looked_at() {
        let found = alert("rate(chat_joins_total[5m]) < 1");
        says(&found, "alerts/a.yaml:5: fires-when-idle:");
        says(&found, "docs/a.md:8: fires-when-idle:");
        says(&alert("rate(chat_join_total[5m]) > 1"), "perhaps chat_joins_total");
        assert_eq!(alert("rate(chat_joins_total[5m]) > 1"), []);
    }

    #[test]
    fn pages_that_show_what_is_wrong_are_left_alone() {
        let wrong = "```promql\nrate(up[5m])\n```\n";
        assert_eq!(check(&Tree::of(&[("docs/lint/rate-of-gauge.md", wrong)])), []);
    }
}
