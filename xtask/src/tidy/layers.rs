//! Which of our crates may use which: the architecture, as a table.

use super::finding::Finding;
use super::manifest::Manifest;
use super::tree::Tree;

const PREFIX: &str = "campanile-";

/// One line of the table. A name that ends in `*` stands for all that start so.
struct Layer {
    of: &'static str,
    uses: &'static [&'static str],
    /// What its tests may use on top.
    tests_use: &'static [&'static str],
}

/// From the inside out. Adding an edge is a design decision.
const LAYERS: &[Layer] = &[
    Layer { of: "metrics", uses: &[], tests_use: &[] },
    Layer { of: "core", uses: &["metrics"], tests_use: &["adapter-memory"] },
    Layer { of: "protocol", uses: &[], tests_use: &[] },
    Layer { of: "pusher", uses: &[], tests_use: &[] },
    Layer { of: "conformance", uses: &["core", "metrics"], tests_use: &[] },
    Layer { of: "neighbours", uses: &[], tests_use: &[] },
    Layer { of: "outbound", uses: &[], tests_use: &[] },
    // Those that ask whom others name: `docs/adr/0009-one-way-out.md`.
    Layer {
        of: "adapter-web*",
        uses: &["core", "metrics", "outbound"],
        tests_use: &["conformance", "neighbours", "adapter-memory"],
    },
    Layer {
        of: "adapter-*",
        uses: &["core", "metrics"],
        tests_use: &["conformance", "neighbours", "adapter-memory", "exporter-*"],
    },
    Layer { of: "exporter-*", uses: &["metrics"], tests_use: &["conformance"] },
    Layer { of: "loki", uses: &["metrics"], tests_use: &[] },
    Layer { of: "monitor-lint", uses: &[], tests_use: &[] },
    Layer {
        of: "server",
        uses: &["core", "metrics", "protocol", "pusher", "adapter-*", "exporter-*", "loki"],
        tests_use: &["conformance", "neighbours"],
    },
    // Its tests measure the real server, in the same process.
    Layer { of: "loadgen", uses: &["protocol", "pusher"], tests_use: &["server"] },
    Layer { of: "xtask", uses: &["monitor-lint"], tests_use: &[] },
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    Manifest::all(tree).iter().flat_map(check_manifest).collect()
}

fn check_manifest(manifest: &Manifest<'_>) -> Vec<Finding> {
    let Some(layer) = LAYERS.iter().find(|layer| matches(layer.of, manifest.folder)) else {
        let what = format!("`{}` has no line in the table of layers", manifest.folder);
        return vec![Finding::about(&manifest.path, what)];
    };
    let uses = |name: &str| layer.uses.iter().any(|pattern| matches(pattern, name));
    let tests_use = |name: &str| layer.tests_use.iter().any(|pattern| matches(pattern, name));
    let edges = manifest.dependencies().into_iter().map(|(name, _)| (name, false));
    let test_edges = manifest.dev_dependencies().into_iter().map(|(name, _)| (name, true));
    edges
        .chain(test_edges)
        .filter_map(|(name, in_tests)| Some((name.strip_prefix(PREFIX)?, in_tests)))
        .filter(|(name, in_tests)| !(uses(name) || *in_tests && tests_use(name)))
        .map(|(name, in_tests)| {
            let tests = if in_tests { "the tests of " } else { "" };
            let what = format!("{tests}`{}` may not use `{name}`", manifest.folder);
            Finding::at(&manifest.path, manifest.line_of(&format!("{PREFIX}{name}")), what)
        })
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    fn manifest(folder: &str, dependencies: &str) -> Vec<Finding> {
        check(&Tree::of(&[(&format!("crates/{folder}/Cargo.toml"), dependencies)]))
    }

    #[test]
    fn an_edge_of_the_table_is_allowed() {
        let findings =
            manifest("adapter-sqlite", "[dependencies]\ncampanile-core.workspace = true\n");
        assert_eq!(findings, []);
    }

    #[test]
    fn an_edge_outside_the_table_is_found_at_its_line() {
        let findings = manifest("core", "[dependencies]\ncampanile-protocol.workspace = true\n");
        says(&findings, "crates/core/Cargo.toml:2: `core` may not use `protocol`");
    }

    #[test]
    fn an_edge_for_one_platform_is_an_edge() {
        let findings = manifest(
            "loki",
            "[target.'cfg(unix)'.dependencies]\ncampanile-core.workspace = true\n",
        );
        says(&findings, "crates/loki/Cargo.toml:2: `loki` may not use `core`");
    }

    #[test]
    fn what_tests_may_use_the_program_may_not() {
        let line = "campanile-conformance.workspace = true\n";
        assert_eq!(manifest("adapter-memory", &format!("[dev-dependencies]\n{line}")), []);
        let findings = manifest("adapter-memory", &format!("[dependencies]\n{line}"));
        says(&findings, "`adapter-memory` may not use `conformance`");
        let findings = manifest("metrics", &format!("[dev-dependencies]\n{line}"));
        says(&findings, "the tests of `metrics` may not use `conformance`");
    }

    #[test]
    fn a_crate_without_a_line_is_found() {
        says(&manifest("federation", "[dependencies]\n"), "`federation` has no line");
    }
}
