//! The manifests, read: each file one object of a kind that is known, with no field that is not.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::super::typed::File;
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
            let file = File { path, text };
            let read = file.value().and_then(|value| objects.take(&file, value, &mut findings));
            if let Err(why) = read {
                findings.push(Finding::about(path, format!("cannot be read: {why}")));
            }
        }
        (objects, findings)
    }

    fn take(
        &mut self,
        file: &File<'_>,
        mut value: Value,
        findings: &mut Vec<Finding>,
    ) -> Result<(), String> {
        if file.path == SCRAPE_CONFIG {
            return put(file, value, &mut self.scrape_files, findings);
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
                path: file.path.to_owned(),
            });
        }
        match kind.as_str() {
            "v1 Namespace" => put(file, value, &mut self.namespaces, findings),
            "v1 ConfigMap" => put(file, value, &mut self.config_maps, findings),
            "v1 Secret" => put(file, value, &mut self.secrets, findings),
            "v1 Service" => put(file, value, &mut self.services, findings),
            "apps/v1 Deployment" => put(file, value, &mut self.deployments, findings),
            "policy/v1 PodDisruptionBudget" => put(file, value, &mut self.budgets, findings),
            "networking.k8s.io/v1 NetworkPolicy" => put(file, value, &mut self.policies, findings),
            _ => {
                // Ours do not know what kind they are.
                let table = value.as_object_mut().ok_or("it is no object")?;
                table.remove("apiVersion");
                table.remove("kind");
                match kind.as_str() {
                    "monitoring.coreos.com/v1 ServiceMonitor" => {
                        put(file, value, &mut self.service_monitors, findings)
                    }
                    "monitoring.coreos.com/v1 PodMonitor" => {
                        put(file, value, &mut self.pod_monitors, findings)
                    }
                    "monitoring.coreos.com/v1 PrometheusRule" => {
                        put(file, value, &mut self.rules, findings)
                    }
                    "kustomize.config.k8s.io/v1beta1 Kustomization" => {
                        put(file, value, &mut self.kustomizations, findings)
                    }
                    _ => Err(format!("the kind `{kind}` is not known")),
                }
            }
        }
    }
}

/// Makes the object of its values, and keeps it.
fn put<T: DeserializeOwned>(
    file: &File<'_>,
    value: Value,
    into: &mut Vec<In<T>>,
    findings: &mut Vec<Finding>,
) -> Result<(), String> {
    let object = file.object(value, findings)?;
    into.push(In { path: file.path.to_owned(), object });
    Ok(())
}
