//! What can be asked for: metrics, their kinds, labels and buckets.

mod exposition;
mod guide;
mod json;
mod well_known;

use std::collections::{BTreeMap, BTreeSet};

/// Metrics that are known, by name. What is not in it may still exist, except among names that
/// begin as those of a list that says it is complete.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    metrics: BTreeMap<String, Metric>,
    /// The first words of names of which every metric is listed.
    complete: BTreeSet<String>,
}

/// What is known of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metric {
    pub(crate) kind: Option<Kind>,
    /// Its labels, where all are known.
    pub(crate) labels: Option<BTreeSet<String>>,
    /// The values that a label can have, where all are known.
    pub(crate) values: BTreeMap<String, BTreeSet<String>>,
    /// Upper bounds of buckets, without the infinite one.
    pub(crate) buckets: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// Why a text is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It begins as JSON, and is no list of metrics.
    #[error("the catalogue is no list of metrics in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A line is no sample and no comment.
    #[error("line {line} of the exposition is no sample: {text}")]
    Sample {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// Nothing can be asked for.
    #[error("the catalogue names no metric")]
    Empty,
}

/// The parts of a histogram or a summary that are asked for.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Labels that Prometheus or its operator puts on every series.
const OF_TARGETS: [&str; 9] =
    ["job", "instance", "cluster", "namespace", "pod", "container", "service", "node", "endpoint"];

/// First words of names that many programs have: what one of them exports says nothing of the others.
const SHARED: [&str; 10] =
    ["go", "grpc", "http", "jvm", "nodejs", "process", "promhttp", "python", "rpc", "scrape"];

impl Catalogue {
    /// Reads an exposition in the text format of Prometheus or in OpenMetrics, or a list of metrics
    /// in JSON: objects with `name`, `kind`, `labels` (each with `name` and `values`) and `buckets`.
    /// Either is taken to be complete for names that begin as those in it.
    ///
    /// # Errors
    ///
    /// [`CatalogueError`] when the text is neither, or names no metric.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let mut catalogue = if text.trim_start().starts_with('[') {
            json::read(text)?
        } else {
            exposition::read(text)?
        };
        if catalogue.metrics.is_empty() {
            return Err(CatalogueError::Empty);
        }
        catalogue.complete =
            catalogue.metrics.keys().map(|name| first_word(name).to_owned()).collect();
        Ok(catalogue)
    }

    /// Takes what a guide says itself: examples of expositions, tables with types.
    pub(crate) fn read_guide(&mut self, text: &str) {
        guide::read(self, text);
    }

    /// Takes names that exist, for those that begin as they do.
    pub fn learn_names<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        for name in names {
            self.complete.insert(first_word(name).to_owned());
            if self.metric_of(name).is_none() {
                self.metrics.entry(name.to_owned()).or_default();
            }
        }
    }

    /// Takes the type that a server says a metric has: `counter`, `gauge`, `histogram`, `summary`.
    pub fn learn_kind(&mut self, name: &str, kind: &str) {
        if let Some(kind) = exposition::kind(kind) {
            self.metrics.entry(name.to_owned()).or_default().kind = Some(kind);
        }
    }

    pub(crate) fn set(&mut self, name: &str, metric: Metric) {
        self.metrics.insert(name.to_owned(), metric);
    }

    /// The metric that a series belongs to: `x_bucket` belongs to the histogram `x`.
    pub(crate) fn metric_of(&self, series: &str) -> Option<&Metric> {
        self.metrics.get(series).or_else(|| {
            let base = PARTS.iter().find_map(|part| series.strip_suffix(part))?;
            let metric = self.metrics.get(base)?;
            matches!(metric.kind, None | Some(Kind::Histogram | Kind::Summary)).then_some(metric)
        })
    }

    /// Whether there can be no such series: all of its kind of name are known, and it is not there.
    pub(crate) fn lacks(&self, series: &str) -> bool {
        !Self::is_shared(series)
            && self.complete.contains(first_word(series))
            && self.metric_of(series).is_none()
    }

    /// Whether programs of all kinds have metrics of such names.
    pub(crate) fn is_shared(series: &str) -> bool {
        SHARED.contains(&first_word(series))
    }

    /// A name like it that exists.
    pub(crate) fn nearest(&self, series: &str) -> Option<&str> {
        let like = self.metrics.keys().map(|name| (distance(name, series), name));
        let (distance, name) = like.min()?;
        (distance <= series.len() / 3).then_some(name)
    }

    /// Whether a series is a counter or a gauge, as far as anything says it: the catalogue, what is
    /// known of common exporters, or a name that can only be one.
    pub(crate) fn kind_of(&self, series: &str) -> Option<Kind> {
        if let Some(kind) = self.metrics.get(series).and_then(|metric| metric.kind) {
            return Some(kind);
        }
        let is_part = self
            .metric_of(series)
            .is_some_and(|metric| matches!(metric.kind, Some(Kind::Histogram | Kind::Summary)));
        if is_part {
            return Some(Kind::Counter);
        }
        // A name that ends in `_total` is no proof: many gauges are called so.
        well_known::kind(series).or_else(|| series.ends_with("_bucket").then_some(Kind::Counter))
    }

    /// The labels that series of this name have, where all are known; those of targets besides.
    pub(crate) fn labels_of(&self, series: &str) -> Option<BTreeSet<String>> {
        let known = self.metric_of(series).and_then(|metric| metric.labels.clone());
        let mut labels = known.or_else(|| well_known::labels(series))?;
        if series.ends_with("_bucket") {
            labels.insert("le".to_owned());
        }
        Some(labels)
    }

    /// Other counters whose names begin so.
    pub(crate) fn has_counter_like(&self, stem: &str, but: &str) -> bool {
        let mut like =
            self.metrics.range(stem.to_owned()..).take_while(|(name, _)| name.starts_with(stem));
        like.any(|(name, metric)| name != but && metric.kind == Some(Kind::Counter))
    }

    pub(crate) fn is_of_target(label: &str) -> bool {
        OF_TARGETS.contains(&label)
    }

    /// The upper bounds of the buckets, ascending, where they are known.
    pub(crate) fn buckets_of(&self, series: &str) -> Option<&[f64]> {
        let buckets = &self.metric_of(series)?.buckets;
        (!buckets.is_empty()).then_some(buckets)
    }
}

pub(crate) use well_known::{Exporter, exporter_of, is_zero_without_limit};

fn first_word(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

/// How many letters have to change (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, other_letter) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other_letter);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let catalogue =
            Catalogue::parse("a_requests_total 1\na_connections 2\n").expect("it is one");
        assert_eq!(catalogue.nearest("a_request_total"), Some("a_requests_total"));
        assert_eq!(catalogue.nearest("zzzzzzzzz"), None);
        assert!(catalogue.lacks("a_conections") && !catalogue.lacks("b_connections"));
    }

    #[test]
    fn what_one_program_exports_says_nothing_of_names_that_all_have() {
        let catalogue = Catalogue::parse("process_open_fds 1\na_b 1\n").expect("it is one");
        assert!(!catalogue.lacks("process_max_fds") && catalogue.lacks("a_c"));
    }

    #[test]
    fn an_empty_catalogue_is_refused() {
        for text in ["", "[]", "# nothing\n"] {
            assert!(matches!(Catalogue::parse(text), Err(CatalogueError::Empty)), "{text:?}");
        }
        assert!(matches!(Catalogue::parse("[{]"), Err(CatalogueError::Json(_))));
        assert!(matches!(
            Catalogue::parse("<html>\n"),
            Err(CatalogueError::Sample { line: 1, .. })
        ));
    }
}
