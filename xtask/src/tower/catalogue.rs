//! What can be asked for: our metrics, those of the services beside us, and what Prometheus adds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Our metrics, as `campanile metrics --json` prints them.
pub(crate) const OURS: &str = "docs/metrics.json";

/// The metrics of other services that we use, by scrape job.
pub(crate) const FOREIGN: &str = "deploy/foreign-metrics.toml";

/// What Prometheus writes by itself about each target and each alert.
const SYNTHETIC: &[&str] = &[
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "ALERTS",
    "ALERTS_FOR_STATE",
];

/// What the name of a histogram ends in when one of its series is asked for.
const HISTOGRAM_SERIES: &[&str] = &["_bucket", "_sum", "_count"];

/// A metric that this program declares.
#[derive(Deserialize)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    labels: Vec<Label>,
    #[serde(default)]
    pub(crate) buckets: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    /// A gauge that is always 1; what it says are its labels.
    Info,
}

#[derive(Deserialize)]
struct Label {
    name: String,
    values: Vec<String>,
    /// There when the values are given by configuration.
    configured_max: Option<usize>,
}

/// What a name in a query stands for.
pub(crate) enum Series<'c> {
    /// One of ours, or a series of one of our histograms.
    Ours(&'c Metric),
    /// Of another service; its labels are not known here.
    Foreign,
}

pub(crate) struct Catalogue {
    ours: BTreeMap<String, Metric>,
    /// Which job each metric of another service comes from.
    foreign: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ForeignJob {
    metrics: Vec<String>,
}

impl Catalogue {
    /// Reads the texts of the two files that say what exists.
    pub(crate) fn parse(ours: &str, foreign: &str) -> Result<Self> {
        let metrics: Vec<Metric> =
            serde_json::from_str(ours).with_context(|| format!("cannot read {OURS}"))?;
        let jobs: BTreeMap<String, ForeignJob> =
            toml::from_str(foreign).with_context(|| format!("cannot read {FOREIGN}"))?;
        let foreign = jobs.into_iter().flat_map(|(job, ForeignJob { metrics })| {
            metrics.into_iter().map(move |metric| (metric, job.clone()))
        });
        let ours = metrics.into_iter().map(|metric| (metric.name.clone(), metric));
        Ok(Self { ours: ours.collect(), foreign: foreign.collect() })
    }

    /// The catalogue of the repository at `root`.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let read = |path: &str| {
            fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
        };
        Self::parse(&read(OURS)?, &read(FOREIGN)?)
    }

    pub(crate) fn ours(&self) -> impl Iterator<Item = &Metric> {
        self.ours.values()
    }

    /// Each metric of another service that we use, with the job it comes from.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = (&str, &str)> {
        self.foreign.iter().map(|(metric, job)| (metric.as_str(), job.as_str()))
    }

    /// The job that a metric of another service comes from.
    pub(crate) fn job_of(&self, metric: &str) -> Option<&str> {
        self.foreign.get(metric).map(String::as_str)
    }

    /// What the name of a series stands for; nothing when there is no such series.
    pub(crate) fn series(&self, name: &str) -> Option<Series<'_>> {
        if let Some(metric) = self.metric_of(name) {
            return Some(Series::Ours(metric));
        }
        let known = SYNTHETIC.contains(&name) || self.foreign.contains_key(name);
        known.then_some(Series::Foreign)
    }

    /// The metric of ours that a series belongs to.
    pub(crate) fn metric_of(&self, series: &str) -> Option<&Metric> {
        self.ours.get(series).filter(|metric| metric.kind != Kind::Histogram).or_else(|| {
            let base = HISTOGRAM_SERIES.iter().find_map(|end| series.strip_suffix(end))?;
            self.ours.get(base).filter(|metric| metric.kind == Kind::Histogram)
        })
    }
}

impl Metric {
    /// Whether a series of this metric can have the label.
    pub(crate) fn has_label(&self, name: &str) -> bool {
        self.label(name).is_some()
    }

    /// Whether the label can have the value, as far as is known before the program runs.
    pub(crate) fn may_be(&self, label: &str, value: &str) -> bool {
        self.label(label).is_none_or(|label| {
            label.configured_max.is_some() || label.values.iter().any(|known| known == value)
        })
    }

    fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"[
        {"name": "chat_joins_total", "kind": "counter", "labels": [
            {"name": "kind", "values": ["public", "private"]},
            {"name": "app", "values": [], "configured_max": 65}]},
        {"name": "chat_wait_seconds", "kind": "histogram", "labels": [], "buckets": [0.1, 1]}
    ]"#;

    fn catalogue() -> Catalogue {
        Catalogue::parse(METRICS, "[redis]\nmetrics = [\"redis_up\"]\n")
            .expect("both are well made")
    }

    #[test]
    fn a_histogram_is_asked_for_by_its_series() {
        let catalogue = catalogue();
        assert!(matches!(catalogue.series("chat_wait_seconds_bucket"), Some(Series::Ours(_))));
        assert!(catalogue.series("chat_wait_seconds").is_none());
        assert!(catalogue.series("chat_joins_total_count").is_none());
    }

    #[test]
    fn what_others_measure_is_known_by_name() {
        let catalogue = catalogue();
        assert!(matches!(catalogue.series("redis_up"), Some(Series::Foreign)));
        assert!(matches!(catalogue.series("up"), Some(Series::Foreign)));
        assert!(catalogue.series("redis_down").is_none());
    }

    #[test]
    fn values_are_known_where_they_are_closed() {
        let catalogue = catalogue();
        let joins = catalogue.metric_of("chat_joins_total").expect("it is declared");
        assert!(joins.may_be("kind", "public") && !joins.may_be("kind", "secret"));
        assert!(joins.may_be("app", "whatever the configuration says"));
    }
}
