//! The manifests, read: each file one object of a kind that is known, with no field that is not.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::operator::{Kustomization, PodMonitor, PrometheusRule, ScrapeFile, ServiceMonitor};
use super::{FOLDER, SCRAPE_CONFIG};

/// An object and the file that it stands in.
pub(super) struct In<T> {
    pub(super) path: String,
    pub(super) object: T,
}

/// What an object says of itself, and where.
pub(super) struct Placed {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) path: String,
}

#[derive(Default)]
pub(super) struct Objects {
    pub(super) namespaces: Vec<In<Namespace>>,
    pub(super) config_maps: Vec<In<ConfigMap>>,
    pub(super) secrets: Vec<In<Secret>>,
    pub(super) deployments: Vec<In<Deployment>>,
    pub(super) services: Vec<In<Service>>,
    pub(super) budgets: Vec<In<PodDisruptionBudget>>,
    pub(super) policies: Vec<In<NetworkPolicy>>,
    pub(super) service_monitors: Vec<In<ServiceMonitor>>,
    pub(super) pod_monitors: Vec<In<PodMonitor>>,
    pub(super) rules: Vec<In<PrometheusRule>>,
    pub(super) kustomizations: Vec<In<Kustomization>>,
    pub(super) scrape_files: Vec<In<ScrapeFile>>,
    /// Everything that goes into a namespace.
    pub(super) placed: Vec<Placed>,
}

impl Objects {
    /// Reads every manifest, and says what is wrong with reading it.
    pub(super) fn read(tree: &Tree) -> (Self, Vec<Finding>) {
        let (mut objects, mut findings) = (Self::default(), Vec::new());
        for (path, text) in tree.below(FOLDER, "yaml") {
            let read = match serde_saphyr::from_str::<Value>(text) {
                Ok(value) => objects.take(path, text, value, &mut findings),
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = read {
                findings.push(Finding::about(path, format!("cannot be read: {why}")));
            }
        }
        (objects, findings)
    }

    fn take(
        &mut self,
        path: &str,
        text: &str,
        mut value: Value,
        findings: &mut Vec<Finding>,
    ) -> Result<(), String> {
        let file = File { path, text };
        if path == SCRAPE_CONFIG {
            return file.put(value, &mut self.scrape_files, findings);
        }
        let said = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = format!("{} {}", said("apiVersion"), said("kind"));
        let metadata = value.get("metadata").cloned().unwrap_or_default();
        let within = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind.rsplit_once(' '), Some((_, "Kustomization" | "Namespace"))) {
            self.placed.push(Placed {
                kind: kind.clone(),
                name: within("name").to_owned(),
                namespace: within("namespace").to_owned(),
                path: path.to_owned(),
            });
        }
        match kind.as_str() {
            "v1 Namespace" => file.put(value, &mut self.namespaces, findings),
            "v1 ConfigMap" => file.put(value, &mut self.config_maps, findings),
            "v1 Secret" => file.put(value, &mut self.secrets, findings),
            "v1 Service" => file.put(value, &mut self.services, findings),
            "apps/v1 Deployment" => file.put(value, &mut self.deployments, findings),
            "policy/v1 PodDisruptionBudget" => file.put(value, &mut self.budgets, findings),
            "networking.k8s.io/v1 NetworkPolicy" => file.put(value, &mut self.policies, findings),
            _ => {
                // Ours do not know what kind they are.
                let table = value.as_object_mut().ok_or("it is no object")?;
                table.remove("apiVersion");
                table.remove("kind");
                match kind.as_str() {
                    "monitoring.coreos.com/v1 ServiceMonitor" => {
                        file.put(value, &mut self.service_monitors, findings)
                    }
                    "monitoring.coreos.com/v1 PodMonitor" => {
                        file.put(value, &mut self.pod_monitors, findings)
                    }
                    "monitoring.coreos.com/v1 PrometheusRule" => {
                        file.put(value, &mut self.rules, findings)
                    }
                    "kustomize.config.k8s.io/v1beta1 Kustomization" => {
                        file.put(value, &mut self.kustomizations, findings)
                    }
                    _ => Err(format!("the kind `{kind}` is not known")),
                }
            }
        }
    }
}

struct File<'f> {
    path: &'f str,
    text: &'f str,
}

impl File<'_> {
    /// Makes the object of its values. A field that nobody reads is a finding.
    fn put<T: DeserializeOwned>(
        &self,
        value: Value,
        into: &mut Vec<In<T>>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), String> {
        let mut unread = Vec::new();
        let object = serde_ignored::deserialize(value, |field| unread.push(field.to_string()));
        for field in unread {
            // Optional values stand in the path as question marks.
            let field = field.replace(".?", "");
            let key = field.rsplit('.').next().unwrap_or_default();
            let line = self.text.lines().position(|line| names(line, key));
            let what = format!("there is no field `{field}`");
            findings.push(Finding::at(self.path, line.map_or(1, |index| index + 1), what));
        }
        let object = object.map_err(|error| error.to_string())?;
        into.push(In { path: self.path.to_owned(), object });
        Ok(())
    }
}

/// Whether the line has the key, alone or among others.
fn names(line: &str, key: &str) -> bool {
    let key = format!("{key}:");
    line.match_indices(&key).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric())
    })
}
