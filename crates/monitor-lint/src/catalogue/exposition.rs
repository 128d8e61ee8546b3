//! An exposition as a catalogue: the text format of Prometheus, or OpenMetrics.

use std::collections::BTreeSet;

use super::{Catalogue, CatalogueError, Kind, Metric};

pub(super) fn read(text: &str) -> Result<Catalogue, CatalogueError> {
    let mut catalogue = Catalogue::default();
    read_into(&mut catalogue, text)?;
    Ok(catalogue)
}

/// Adds what the text shows.
pub(super) fn read_into(catalogue: &mut Catalogue, text: &str) -> Result<(), CatalogueError> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let mut words = rest.split_whitespace();
            let (name, kind) = (words.next(), words.next().and_then(kind));
            if let (Some(name), Some(kind)) = (name, kind) {
                catalogue.metrics.entry(name.to_owned()).or_default().kind = Some(kind);
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            let Some(sample) = Sample::read(line) else {
                return Err(CatalogueError::Sample { line: index + 1, text: line.to_owned() });
            };
            take(catalogue, &sample);
        }
    }
    for metric in catalogue.metrics.values_mut() {
        metric.buckets.sort_by(f64::total_cmp);
        metric.buckets.dedup();
    }
    Ok(())
}

pub(super) fn kind(word: &str) -> Option<Kind> {
    match word.to_lowercase().as_str() {
        "counter" => Some(Kind::Counter),
        "gauge" | "info" => Some(Kind::Gauge),
        "histogram" => Some(Kind::Histogram),
        "summary" => Some(Kind::Summary),
        _ => None,
    }
}

fn take(catalogue: &mut Catalogue, sample: &Sample<'_>) {
    // OpenMetrics gives the family of a counter a name without `_total`.
    let without_total = sample.name.strip_suffix("_total");
    let family = without_total.and_then(|name| catalogue.metrics.get(name));
    if family.is_some_and(|metric| metric.kind == Some(Kind::Counter)) {
        let counter = Metric { kind: Some(Kind::Counter), ..Metric::default() };
        catalogue.metrics.entry(sample.name.to_owned()).or_insert(counter);
    }
    let base = super::PARTS.iter().find_map(|part| sample.name.strip_suffix(part));
    let of_histogram = base.filter(|base| {
        let metric = catalogue.metrics.get(*base);
        metric.is_some_and(|one| matches!(one.kind, Some(Kind::Histogram | Kind::Summary)))
    });
    let name = of_histogram.unwrap_or(sample.name).to_owned();
    let metric = catalogue.metrics.entry(name).or_default();
    let labels = metric.labels.get_or_insert_with(BTreeSet::new);
    for (label, value) in &sample.labels {
        match (*label, of_histogram) {
            ("le", Some(_)) => {
                let bound = value.parse::<f64>().ok();
                metric.buckets.extend(bound.filter(|bound| bound.is_finite()));
            }
            _ => {
                labels.insert((*label).to_owned());
            }
        }
    }
}

struct Sample<'t> {
    name: &'t str,
    labels: Vec<(&'t str, String)>,
}

impl<'t> Sample<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let end =
            line.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_:".contains(letter))?;
        let (name, mut rest) = line.split_at(end);
        if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        let mut labels = Vec::new();
        if let Some(inner) = rest.strip_prefix('{') {
            let mut inner = inner.trim_start();
            while !inner.starts_with('}') {
                let (label, after) = inner.split_once("=\"")?;
                let (value, after) = quoted(after)?;
                labels.push((label.trim(), value));
                inner = after.trim_start().trim_start_matches(',').trim_start();
            }
            rest = &inner[1..];
        }
        let value = rest.split_whitespace().next()?;
        let is_number = value.parse::<f64>().is_ok() || ["+Inf", "-Inf", "NaN"].contains(&value);
        is_number.then_some(Self { name, labels })
    }
}

/// The text up to the closing quote, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE a_seconds histogram\n\
        a_seconds_bucket{b=\"c,\\\"d\\\"\",le=\"1.0\"} 1\na_seconds_bucket{b=\"e\",le=\"0.5\"} 1\n\
        a_seconds_bucket{b=\"e\",le=\"+Inf\"} 1\na_seconds_sum{b=\"e\"} 3\n\
        # TYPE f gauge\nf 5\n# TYPE g counter\ng_total{} 2 1700000000000\n# EOF\n";

    #[test]
    fn kinds_labels_and_buckets_are_read() {
        let catalogue = read(TEXT).expect("it is well made");
        let labels = catalogue.labels_of("a_seconds_bucket").expect("they are shown");
        assert_eq!(labels.into_iter().collect::<Vec<_>>(), ["b", "le"]);
        assert_eq!(catalogue.buckets_of("a_seconds_bucket"), Some(&[0.5, 1.0][..]));
        assert_eq!(catalogue.kind_of("f"), Some(Kind::Gauge));
        assert_eq!(catalogue.kind_of("g_total"), Some(Kind::Counter));
        assert_eq!(catalogue.kind_of("a_seconds_count"), Some(Kind::Counter));
    }
}
