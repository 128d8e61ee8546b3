//! What a query asks for exists: names, labels and values; and a quantile can be told from its threshold.

use super::super::finding::Finding;
use super::uses::{Use, Uses};
use crate::tower::{Catalogue, Kind, Metric, Selector, Series};

/// Prometheus gives these to every series that it scrapes.
const TARGET_LABELS: [&str; 2] = ["job", "instance"];

pub(super) fn check(catalogue: &Catalogue, uses: &Uses) -> Vec<Finding> {
    let checker = Checker { catalogue, uses };
    uses.all.iter().flat_map(|used| checker.check(used)).collect()
}

struct Checker<'c> {
    catalogue: &'c Catalogue,
    uses: &'c Uses,
}

impl Checker<'_> {
    fn check(&self, used: &Use) -> Vec<Finding> {
        let selectors = used.query.selectors();
        let mut wrong: Vec<String> =
            selectors.iter().flat_map(|selector| self.selector(selector)).collect();
        for grouping in used.query.groupings() {
            wrong.extend(self.grouping(&grouping.labels, &grouping.series));
        }
        for threshold in used.query.thresholds() {
            wrong.extend(self.threshold(&threshold.series, threshold.value));
        }
        wrong.into_iter().map(|what| Finding::at(&used.path, used.line, what)).collect()
    }

    fn selector(&self, selector: &Selector) -> Vec<String> {
        let name = &selector.name;
        if self.uses.recorded.contains(name) {
            return Vec::new();
        }
        let metric = match self.catalogue.series(name) {
            Some(Series::Ours(metric)) => metric,
            Some(Series::Foreign) => return Vec::new(),
            None if name.is_empty() => return vec!["a selector names no metric".to_owned()],
            None => return vec![format!("there is no series `{name}`")],
        };
        let mut wrong = Vec::new();
        if selector.as_counter && metric.kind == Kind::Gauge {
            wrong.push(format!("`{name}` is a gauge, and has no rate"));
        }
        for matcher in &selector.matchers {
            if !can_have(metric, name, &matcher.label) {
                wrong.push(format!("`{name}` has no label `{}`", matcher.label));
            }
            let never = matcher
                .values
                .iter()
                .filter(|value| !value.is_empty() && !metric.may_be(&matcher.label, value));
            wrong.extend(never.map(|value| {
                format!("the label `{}` of `{name}` is never `{value}`", matcher.label)
            }));
        }
        wrong
    }

    /// A label that something is grouped by is one that a series below can have.
    fn grouping(&self, labels: &[String], series: &[String]) -> Vec<String> {
        let metrics: Option<Vec<(&str, &Metric)>> = series
            .iter()
            .map(|name| Some((name.as_str(), self.catalogue.metric_of(name)?)))
            .collect();
        // The labels of other services' metrics, and of what rules record, are not known here.
        let Some(metrics) = metrics.filter(|metrics| !metrics.is_empty()) else {
            return Vec::new();
        };
        let unknown = labels
            .iter()
            .filter(|label| !metrics.iter().any(|(name, metric)| can_have(metric, name, label)));
        unknown
            .map(|label| {
                format!("nothing that is grouped by `{label}` has it: {}", series.join(", "))
            })
            .collect()
    }

    /// A quantile is only as exact as its buckets: between two of them it is a guess, and above
    /// the last one it never is.
    fn threshold(&self, series: &str, value: f64) -> Option<String> {
        let metric = self.catalogue.metric_of(series)?;
        let (top, below) = metric.buckets.split_last()?;
        // What is compared with 0 is only rid of what is no number.
        let is_boundary =
            value == 0.0 || below.iter().any(|bucket| (bucket - value).abs() < f64::EPSILON);
        (!is_boundary)
            .then(|| format!("{value} is no boundary of `{}` below its last, {top}", metric.name))
    }
}

fn can_have(metric: &Metric, series: &str, label: &str) -> bool {
    let is_bucket = label == "le" && series.ends_with("_bucket");
    TARGET_LABELS.contains(&label) || is_bucket || metric.has_label(label)
}
