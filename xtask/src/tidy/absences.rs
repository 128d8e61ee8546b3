//! What the inner crates must not meet: other people's metrics, serde, sockets, files, the clock.

use super::finding::Finding;
use super::manifest::Manifest;
use super::tree::Tree;

/// Crates of others that the core may name. It is short because the core does no I/O.
const CORE_MAY_NAME: &[&str] =
    &["async-trait", "bytes", "futures-util", "rand", "sha2", "thiserror", "tokio", "tracing"];

/// Words that the source of the core does not hold outside comments.
const CORE_MAY_NOT_SAY: &[&str] = &[
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "std::env",
    "std::fs",
    "std::process",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "tokio::spawn",
];

/// Crates that bring their own idea of a metric; each may go on as `metrics-util` does.
const METRICS_CRATES: &[&str] = &[
    "metrics",
    "prometheus",
    "opentelemetry",
    "prometheus-client",
    "cadence",
    "statsd",
    "dogstatsd",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Manifest::all(tree).iter().flat_map(check_manifest).collect();
    for (path, text) in tree.below("crates/core/src", "rs") {
        findings.extend(check_core_source(path, text));
    }
    findings
}

fn check_manifest(manifest: &Manifest<'_>) -> Vec<Finding> {
    let folder = manifest.folder;
    let mut findings = Vec::new();
    for (name, _) in manifest.dependencies() {
        let mut refuse = |why: &str| {
            findings.push(Finding::at(
                &manifest.path,
                manifest.line_of(name),
                format!("`{folder}` {why}"),
            ));
        };
        if is_metrics_crate(name) && !knows_metrics_crates(folder) {
            refuse(&format!("names `{name}`: only `metrics` and `exporter-*` know such crates"));
        }
        if matches!(folder, "core" | "metrics") && name.starts_with("serde") {
            refuse(&format!("names `{name}`: each edge owns its serialisable types"));
        }
        if folder == "core" && !name.starts_with("campanile-") && !CORE_MAY_NAME.contains(&name) {
            refuse(&format!(
                "names `{name}`, which is not among the crates that the core may name"
            ));
        }
    }
    findings
}

fn check_core_source(path: &str, text: &str) -> Vec<Finding> {
    let program = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    program
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(index, line)| {
            let said = CORE_MAY_NOT_SAY.iter().filter(|word| line.contains(**word));
            said.map(move |word| {
                Finding::at(path, index + 1, format!("the core may not meet `{word}`"))
            })
        })
        .collect()
}

fn is_metrics_crate(name: &str) -> bool {
    METRICS_CRATES.iter().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    })
}

fn knows_metrics_crates(folder: &str) -> bool {
    folder == "metrics" || folder.starts_with("exporter-")
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    fn manifest(folder: &str, name: &str) -> Vec<Finding> {
        let text = format!("[dependencies]\n{name}.workspace = true\n");
        check(&Tree::of(&[(&format!("crates/{folder}/Cargo.toml"), &text)]))
    }

    #[test]
    fn only_the_metrics_layer_names_metrics_crates() {
        for name in ["metrics", "metrics-util", "opentelemetry_sdk", "prometheus"] {
            assert_eq!(manifest("metrics", name), []);
            assert_eq!(manifest("exporter-prometheus", name), []);
            says(
                &manifest("server", name),
                &format!("crates/server/Cargo.toml:2: `server` names `{name}`"),
            );
        }
        assert_eq!(manifest("server", "campanile-metrics"), []);
    }

    #[test]
    fn core_and_metrics_know_no_serde() {
        says(&manifest("core", "serde"), "`core` names `serde`: each edge owns");
        says(&manifest("metrics", "serde_json"), "`metrics` names `serde_json`: each edge owns");
        assert_eq!(manifest("protocol", "serde"), []);
    }

    #[test]
    fn core_names_only_what_it_may() {
        assert_eq!(manifest("core", "bytes"), []);
        says(&manifest("core", "sqlx"), "`core` names `sqlx`, which is not among");
    }

    #[test]
    fn core_meets_no_file_socket_or_clock() {
        let text = "//! Rooms.\n\n// Not std::fs.\nuse tokio::net::lookup_host;\n";
        let findings = check(&Tree::of(&[("crates/core/src/room.rs", text)]));
        says(&findings, "crates/core/src/room.rs:4: the core may not meet `tokio::net`");
        assert_eq!(findings.len(), 1);
        assert_eq!(check(&Tree::of(&[("crates/server/src/room.rs", text)])), []);
    }
}
