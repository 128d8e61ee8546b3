//! What Grafana is given before it starts: its data sources, and where its boards are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

pub(crate) const DATASOURCES: &str = "deploy/grafana/provisioning/datasources/campanile.yaml";

/// The fields that we use, of a file of data sources.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatasourceFile {
    pub(crate) api_version: u32,
    pub(crate) datasources: Vec<ProvidedDatasource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProvidedDatasource {
    pub(crate) name: String,
    pub(crate) uid: String,
    /// What it speaks: `prometheus`, `loki`, `alertmanager`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) access: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) is_default: bool,
    #[serde(rename = "jsonData")]
    _settings: Option<Settings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(rename = "httpMethod")]
    _http_method: Option<String>,
    #[serde(rename = "timeInterval")]
    _time_interval: Option<String>,
    #[serde(rename = "implementation")]
    _implementation: Option<String>,
    /// Nothing here keeps traces.
    #[serde(rename = "exemplarTraceIdDestinations", default)]
    _trace_destinations: Vec<NoDestination>,
}

#[derive(Deserialize)]
struct NoDestination {}

impl DatasourceFile {
    /// That of the repository at `root`.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(DATASOURCES))
            .with_context(|| format!("cannot read {DATASOURCES}"))?;
        serde_saphyr::from_str(&text).map_err(|error| anyhow!("{DATASOURCES}: {error}"))
    }

    /// The one that a variable of this kind stands for until somebody chooses another.
    pub(crate) fn of_kind(&self, kind: &str) -> Option<&ProvidedDatasource> {
        let mut known = self.datasources.iter().filter(|datasource| datasource.kind == kind);
        let first = known.clone().next();
        known.find(|datasource| datasource.is_default).or(first)
    }
}
