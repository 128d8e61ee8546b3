//! What Grafana is given before it starts: its data sources, and where its boards are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
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
    #[serde(rename = "jsonData", default)]
    pub(crate) settings: Settings,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    #[serde(rename = "httpMethod")]
    _http_method: Option<String>,
    #[serde(rename = "timeInterval")]
    _time_interval: Option<String>,
    #[serde(rename = "implementation")]
    _implementation: Option<String>,
    /// Where exemplars lead.
    #[serde(rename = "exemplarTraceIdDestinations", default)]
    pub(crate) trace_destinations: Vec<TraceDestination>,
}

/// A link from exemplars. One by the uid of a data source would ask it for a trace, and Loki has none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraceDestination {
    /// The label of the exemplar whose value the link takes.
    pub(crate) name: String,
    pub(crate) url: String,
    #[serde(rename = "urlDisplayLabel")]
    _url_display_label: String,
}

/// The value of the label, in a link.
pub(crate) const LABEL_VALUE: &str = "${__value.raw}";

/// What a link to Grafana's Explore asks.
#[derive(Debug, Deserialize, PartialEq)]
pub(crate) struct Pane {
    /// The uid of a data source.
    pub(crate) datasource: String,
    pub(crate) queries: Vec<PaneQuery>,
}

#[derive(Debug, Deserialize, PartialEq)]
pub(crate) struct PaneQuery {
    pub(crate) expr: String,
}

impl TraceDestination {
    /// What is asked when the link is followed.
    pub(crate) fn panes(&self) -> Result<Vec<Pane>> {
        // As Grafana reads the file: a single `$` would be a variable.
        let url = self.url.replace("$$", "$");
        let (path, parameters) = url.split_once('?').unwrap_or((&url, ""));
        ensure!(path == "/explore", "`{path}` is not Explore");
        let panes = parameters.split('&').find_map(|one| one.strip_prefix("panes="));
        let panes = decoded(panes.context("it names no panes")?)?;
        let panes: BTreeMap<String, Pane> =
            serde_json::from_str(&panes).with_context(|| format!("`{panes}` are no panes"))?;
        Ok(panes.into_values().collect())
    }
}

/// A part of a URL without its percent signs.
fn decoded(text: &str) -> Result<String> {
    let (first, rest) = text.split_once('%').unwrap_or((text, ""));
    let mut bytes = first.as_bytes().to_vec();
    for part in rest.split('%').filter(|part| !part.is_empty()) {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.with_context(|| format!("`%{part}` is no byte"))?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    Ok(String::from_utf8(bytes)?)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn panes(url: &str) -> Result<Vec<Pane>> {
        let destination = TraceDestination {
            name: "trace_id".to_owned(),
            url: url.to_owned(),
            _url_display_label: String::new(),
        };
        destination.panes()
    }

    #[test]
    fn a_link_says_what_it_asks() {
        let url = "/explore?orgId=1&panes=%7B%22a%22:%7B%22datasource%22:%22loki%22,%22queries%22:%5B%7B%22expr%22:%22b=%5C%22$${__value.raw}%5C%22%22%7D%5D%7D%7D";
        let query = PaneQuery { expr: format!("b=\"{LABEL_VALUE}\"") };
        let pane = Pane { datasource: "loki".to_owned(), queries: vec![query] };
        assert_eq!(panes(url).expect("it is whole"), [pane]);
    }

    #[test]
    fn a_link_that_asks_nothing_is_refused() {
        for (url, expected) in [
            ("http://elsewhere/?panes={}", "is not Explore"),
            ("/explore?left=1", "it names no panes"),
            ("/explore?panes=%7", "is no byte"),
            ("/explore?panes=%FF", "utf-8"),
            ("/explore?panes=[]", "are no panes"),
        ] {
            let error = format!("{:#}", panes(url).expect_err(url));
            assert!(error.contains(expected), "{url}: {error}");
        }
    }
}
