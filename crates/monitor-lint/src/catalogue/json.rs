//! A list of metrics in JSON as a catalogue.

use serde::Deserialize;

use super::exposition::kind;
use super::{Catalogue, CatalogueError, Metric};

#[derive(Deserialize)]
struct Listed {
    name: String,
    kind: String,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    buckets: Vec<f64>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
    #[serde(default)]
    values: Vec<String>,
}

pub(super) fn read(text: &str) -> Result<Catalogue, CatalogueError> {
    let listed: Vec<Listed> = serde_json::from_str(text)?;
    let mut catalogue = Catalogue::default();
    for Listed { name, kind: word, labels, buckets } in listed {
        let closed = labels.iter().filter(|label| !label.values.is_empty());
        let values = closed
            .map(|label| (label.name.clone(), label.values.iter().cloned().collect()))
            .collect();
        let labels = Some(labels.into_iter().map(|label| label.name).collect());
        catalogue.set(&name, Metric { kind: kind(&word), labels, values, buckets });
    }
    Ok(catalogue)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_list_says_all_that_can_be_known() {
        let text = r#"[{"name": "a_total", "kind": "counter", "unit": null,
            "labels": [{"name": "b", "values": ["c"]}, {"name": "d", "values": []}]},
            {"name": "e_seconds", "kind": "histogram", "labels": [], "buckets": [0.1, 1]}]"#;
        let catalogue = Catalogue::parse(text).expect("it is well made");
        assert_eq!(catalogue.kind_of("a_total"), Some(Kind::Counter));
        let metric = catalogue.metric_of("a_total").expect("it is there");
        assert_eq!(metric.values.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(catalogue.buckets_of("e_seconds_bucket"), Some(&[0.1, 1.0][..]));
        assert!(catalogue.lacks("e_second_bucket"));
    }
}
