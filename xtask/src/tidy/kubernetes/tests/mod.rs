//! Our manifests are found well made, and each way in which they could break is found.

mod network;
mod pods;
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use super::super::tests::says;
use super::*;
use crate::kubernetes::rendered_of;

/// What the manifests are checked against.
const BESIDE: [&str; 4] =
    ["docs/config.md", "docs/metrics.json", "deploy/Dockerfile", "crates/server/src/app.rs"];

/// A rule and a board, from which the generated manifests of the tests are made.
const SOURCES: [(&str, &str); 2] = [
    (
        "alerts/up.yaml",
        "groups:\n  - name: up\n    rules:\n      - alert: A\n        expr: up == 0\n        for: 1m\n",
    ),
    ("dashboards/slo.json", "{\n  \"uid\": \"campanile-slo\"\n}\n"),
];

/// Our manifests, with few rules and boards.
#[derive(Clone)]
struct Repository(BTreeMap<String, String>);

/// Read once for all tests.
static OURS: LazyLock<Repository> = LazyLock::new(Repository::read);

impl Repository {
    fn ours() -> Self {
        OURS.clone()
    }

    fn read() -> Self {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tasks lie in the repository");
        let read = |path: &str| {
            let text = fs::read_to_string(root.join(path)).expect("the file can be read");
            (path.to_owned(), text)
        };
        let mut files: BTreeMap<String, String> = BESIDE.into_iter().map(read).collect();
        for folder in ["", "/server", "/monitoring"] {
            let folder = format!("{FOLDER}{folder}");
            for entry in fs::read_dir(root.join(&folder)).expect("the folder can be read") {
                let entry = entry.expect("the folder can be read");
                if entry.path().is_file() {
                    let name = entry.file_name();
                    files.extend([read(&format!("{folder}/{}", name.to_string_lossy()))]);
                }
            }
        }
        files.extend(SOURCES.map(|(path, text)| (path.to_owned(), text.to_owned())));
        files.extend(rendered_of(SOURCES.into_iter()));
        Self(files)
    }

    fn tree(&self) -> Tree {
        let files: Vec<(&str, &str)> =
            self.0.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        Tree::of(&files)
    }

    /// Replaces every occurrence in one file: a manifest, or with its whole path another.
    #[track_caller]
    fn with(mut self, name: &str, from: &str, to: &str) -> Self {
        let manifest = format!("{FOLDER}/{name}");
        let path = if self.0.contains_key(&manifest) { &manifest } else { name };
        let text = self.0.get_mut(path).expect("there is such a file");
        assert!(text.contains(from), "`{from}` is not in {name}");
        *text = text.replace(from, to);
        self
    }

    fn findings(&self) -> Vec<Finding> {
        check(&self.tree())
    }
}

/// Asserts that one change of one file is found, as `expected`.
#[track_caller]
fn finds(name: &str, from: &str, to: &str, expected: &str) {
    says(&Repository::ours().with(name, from, to).findings(), expected);
}

const DEPLOYMENT: &str = "server/deployment.yaml";
const SETTINGS: &str = "server/campanile.toml";
const SCRAPE: &str = "monitoring/prometheus-scrape-config.yaml";

/// A file, a field of it, the field misspelt, and what is found.
const MISSPELT: &[(&str, &str, &str, &str)] = &[
    (
        "server/namespace.yaml",
        "labels:",
        "lables:",
        "server/namespace.yaml:5: there is no field `metadata.lables`",
    ),
    (
        DEPLOYMENT,
        "readOnlyRootFilesystem",
        "readOnlyRootFileSystem",
        "there is no field `spec.template.spec.containers.0.securityContext.readOnlyRootFileSystem`",
    ),
    (
        DEPLOYMENT,
        "readinessProbe",
        "readynessProbe",
        "there is no field `spec.template.spec.containers.0.readynessProbe`",
    ),
    (
        DEPLOYMENT,
        "maxSkew: 1",
        "maxSkew: 1\n          maxSkews: 1",
        "topologySpreadConstraints.0.maxSkews`",
    ),
    (
        "server/service.yaml",
        "targetPort",
        "targetport",
        "there is no field `spec.ports.0.targetport`",
    ),
    (
        "server/pod-disruption-budget.yaml",
        "maxUnavailable",
        "maxUnavailble",
        "there is no field `spec.maxUnavailble`",
    ),
    (
        "server/network-policy.yaml",
        "podSelector",
        "podsSelector",
        "there is no field `spec.podsSelector`",
    ),
    ("server/secret.example.yaml", "stringData", "strings", "there is no field `strings`"),
    ("server/kustomization.yaml", "newTag", "tag", "unknown field `tag`"),
    ("monitoring/service-monitor.yaml", "scrapeTimeout", "timeout", "unknown field `timeout`"),
    (
        "monitoring/service-monitor.yaml",
        "interval: 15s",
        "interval: 15s\n      filterRunning: true",
        "there is no field `filterRunning`",
    ),
    (
        "monitoring/service-monitor.yaml",
        "  namespace:",
        "  nameSpace:",
        "there is no field `metadata.nameSpace`",
    ),
    (
        "monitoring/pod-monitor.yaml",
        "sourceLabels",
        "source_labels",
        "unknown field `source_labels`",
    ),
    ("monitoring/rules/up.yaml", "expr:", "expression:", "unknown field `expression`"),
    ("monitoring/dashboards/slo.yaml", "data:", "date:", "there is no field `date`"),
    (SCRAPE, "relabel_configs", "relabelings", "unknown field `relabelings`"),
];

#[test]
fn our_manifests_are_well_made() {
    let findings: Vec<String> =
        Repository::ours().findings().iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn without_manifests_there_is_nothing_to_apply() {
    says(&check(&Tree::of(&[])), "deploy/kubernetes:1: has no Deployment");
}

#[test]
fn a_misspelt_field_is_found_in_each_kind() {
    for (name, from, to, expected) in MISSPELT {
        finds(name, from, to, expected);
    }
}

#[test]
fn a_value_of_another_type_is_found() {
    finds(DEPLOYMENT, "replicas: 2", "replicas: two", "cannot be read: invalid type");
    finds(DEPLOYMENT, "scrape: \"true\"", "scrape: true", "cannot be read: invalid type");
    finds(
        "server/service.yaml",
        "kind: Service",
        "kind: Servce",
        "the kind `v1 Servce` is not known",
    );
    finds(DEPLOYMENT, "apps/v1", "apps/v1beta1", "the kind `apps/v1beta1 Deployment` is not known");
    finds("server/service.yaml", "spec:", "spec: [", "cannot be read");
}

#[test]
fn lists_lead_to_files_and_leave_none_out() {
    finds(
        "server/kustomization.yaml",
        "  - service.yaml\n",
        "",
        "server/service.yaml:1: is in no kustomization.yaml",
    );
    finds(
        "server/kustomization.yaml",
        "service.yaml",
        "services.yaml",
        "`services.yaml` is not there",
    );
    finds(
        "server/kustomization.yaml",
        "- campanile.toml",
        "- other.toml",
        "`other.toml` is not there",
    );
    finds("kustomization.yaml", "- monitoring", "- monitor", "`monitor` is not there");
    finds(
        "monitoring/kustomization.yaml",
        "service-monitor",
        "pod-monitor",
        "`pod-monitor.yaml` says that it is not applied",
    );
    finds(
        "server/service.yaml",
        "namespace: campanile",
        "namespace: default",
        "is in the namespace `default`, not `campanile`",
    );
    finds(
        "server/service.yaml",
        "name: campanile\n",
        "name: campanile-metrics\n",
        "has not a name of its own: `campanile-metrics`",
    );
    let both = Repository::ours()
        .with(
            "monitoring/kustomization.yaml",
            "- service-monitor.yaml",
            "- service-monitor.yaml\n  - pod-monitor.yaml",
        )
        .with("monitoring/pod-monitor.yaml", "# Not applied.", "#");
    says(&both.findings(), "every pod would be scraped twice");
}

#[test]
fn generated_manifests_are_those_of_today() {
    finds("monitoring/rules/up.yaml", "for: 1m", "for: 2m", "rules/up.yaml:1: is stale");
    finds("alerts/up.yaml", "for: 1m", "for: 2m", "rules/up.yaml:1: is stale");
    finds("dashboards/slo.json", "campanile-slo", "x", "dashboards/slo.yaml:1: is stale");
    let mut repository = Repository::ours();
    repository.0.remove("alerts/up.yaml");
    says(&repository.findings(), "rules/up.yaml:1: is made of nothing");
    let mut repository = Repository::ours();
    let long = format!("\"{}\"\n", "x".repeat(300_000));
    repository.0.insert("dashboards/slo.json".to_owned(), long);
    says(&repository.findings(), "`kubectl apply` refuses it");
}
