//! The kinds that the Prometheus operator, kustomize and Prometheus itself read, with the fields
//! that we use: any other is refused.

use k8s_openapi::api::core::v1::SecretKeySelector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Deserialize;

use super::relabel::{Action, Rule};
use crate::tower::RuleFile;

/// A kind of the operator. What it is has been read before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Custom<S> {
    #[expect(dead_code, reason = "it is read so that a misspelt field of it is found")]
    metadata: ObjectMeta,
    pub(super) spec: S,
}

pub(super) type ServiceMonitor = Custom<ServiceMonitorSpec>;
pub(super) type PodMonitor = Custom<PodMonitorSpec>;
/// Its groups are those of Prometheus.
pub(super) type PrometheusRule = Custom<RuleFile>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ServiceMonitorSpec {
    pub(super) selector: LabelSelector,
    pub(super) endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PodMonitorSpec {
    pub(super) selector: LabelSelector,
    pub(super) pod_metrics_endpoints: Vec<Endpoint>,
}

/// How the targets of a monitor are scraped. Those of pods know one field more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Endpoint {
    pub(super) port: String,
    pub(super) path: String,
    pub(super) interval: String,
    pub(super) scrape_timeout: String,
    pub(super) filter_running: Option<bool>,
    pub(super) authorization: Authorization,
    #[serde(default)]
    pub(super) relabelings: Vec<Relabeling>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    #[serde(rename = "type")]
    pub(super) scheme: String,
    pub(super) credentials: SecretKeySelector,
}

/// A rule of relabelling as the operator spells it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Relabeling {
    #[serde(default)]
    source_labels: Vec<String>,
    separator: Option<String>,
    regex: Option<String>,
    target_label: Option<String>,
    replacement: Option<String>,
    action: Option<Action>,
}

impl Relabeling {
    pub(super) fn rule(&self) -> Rule {
        let Self { source_labels, separator, regex, target_label, replacement, action } =
            self.clone();
        let usual = Rule::default();
        Rule {
            source_labels,
            separator: separator.unwrap_or(usual.separator),
            regex: regex.unwrap_or(usual.regex),
            target_label: target_label.unwrap_or(usual.target_label),
            replacement: replacement.unwrap_or(usual.replacement),
            action: action.unwrap_or(usual.action),
        }
    }
}

/// What `kubectl apply -k` reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kustomization {
    pub(super) resources: Vec<String>,
    #[serde(default)]
    pub(super) config_map_generator: Vec<ConfigMapGenerator>,
    #[serde(default)]
    pub(super) images: Vec<Image>,
}

/// A ConfigMap that is made of files, which are its keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigMapGenerator {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) files: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) new_name: String,
    pub(super) new_tag: String,
}

/// A file that Prometheus reads beside its own (`scrape_config_files`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScrapeFile {
    pub(super) scrape_configs: Vec<ScrapeConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScrapeConfig {
    pub(super) job_name: String,
    pub(super) scrape_interval: String,
    pub(super) scrape_timeout: String,
    pub(super) authorization: CredentialsFile,
    pub(super) kubernetes_sd_configs: Vec<Discovery>,
    pub(super) relabel_configs: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialsFile {
    pub(super) credentials_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Discovery {
    pub(super) role: String,
    pub(super) namespaces: Namespaces,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Namespaces {
    pub(super) names: Vec<String>,
}
