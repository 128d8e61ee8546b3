//! The whole program's catalogue of metrics, for people and for programs.

use crate::metrics::{EdgeMetrics, TlsMetrics};
use campanile_adapter_postgres::PostgresMetrics;
use campanile_adapter_redis::RedisMetrics;
use campanile_core::{
    instrumented::{CacheMetrics, DriverMetrics, PortMetrics},
    metrics::ChatMetrics,
};
use campanile_exporter_prometheus::ScrapeMetrics;
use campanile_loki::ShipperMetrics;
use campanile_metrics::{
    Description, ExporterMetrics, LabelDescription, Registry,
    rules::enforce_together,
    standard::{
        AllocatorMetrics, BuildMetrics, ConfigMetrics, LagMetrics, LogMetrics, MachineMetrics,
        ProcessMetrics, RuntimeMetrics, VolumeMetrics,
    },
};
use serde::Serialize;
use std::fmt::Write;

/// A group of metrics that are declared together.
pub type Group = (&'static str, Vec<&'static Description>);

/// Of two metrics of one family this program does not build.
const _: () = enforce_together(&[
    &ChatMetrics::DESCRIPTIONS,
    &EdgeMetrics::DESCRIPTIONS,
    &PortMetrics::DESCRIPTIONS,
    &[
        TlsMetrics::DESCRIPTIONS,
        CacheMetrics::DESCRIPTIONS,
        DriverMetrics::DESCRIPTIONS,
        PostgresMetrics::DESCRIPTIONS,
        RedisMetrics::DESCRIPTIONS,
    ],
    &PROGRAM,
    &[ExporterMetrics::DESCRIPTIONS, ScrapeMetrics::DESCRIPTIONS, ShipperMetrics::DESCRIPTIONS],
]);

/// What any program has.
const PROGRAM: [&[Description]; 9] = [
    ProcessMetrics::DESCRIPTIONS,
    MachineMetrics::DESCRIPTIONS,
    RuntimeMetrics::DESCRIPTIONS,
    LagMetrics::DESCRIPTIONS,
    AllocatorMetrics::DESCRIPTIONS,
    VolumeMetrics::DESCRIPTIONS,
    BuildMetrics::DESCRIPTIONS,
    ConfigMetrics::DESCRIPTIONS,
    LogMetrics::DESCRIPTIONS,
];

/// Every metric that this program declares, by group.
pub fn groups() -> Vec<Group> {
    let chat = ChatMetrics::DESCRIPTIONS.concat_groups();
    let mut edge = EdgeMetrics::DESCRIPTIONS.concat_groups();
    edge.extend(TlsMetrics::DESCRIPTIONS);
    let mut ports = PortMetrics::DESCRIPTIONS.concat_groups();
    ports.extend(CacheMetrics::DESCRIPTIONS);
    ports.extend(DriverMetrics::DESCRIPTIONS);
    ports.extend(PostgresMetrics::DESCRIPTIONS);
    ports.extend(RedisMetrics::DESCRIPTIONS);
    let program = PROGRAM.concat_groups();
    // A registry declares its own metrics before any others.
    let mut monitoring = Registry::builder().build().descriptions();
    monitoring.extend(ExporterMetrics::DESCRIPTIONS);
    monitoring.extend(ScrapeMetrics::DESCRIPTIONS);
    monitoring.extend(ShipperMetrics::DESCRIPTIONS);
    vec![
        ("Connections and HTTP", edge),
        ("Chat", chat),
        ("Store, archive, cache and bus", ports),
        ("Process and runtime", program),
        ("Monitoring of the monitoring", monitoring),
    ]
}

/// A line for each metric: name, kind, labels.
pub fn text() -> String {
    let mut text = String::new();
    for description in all() {
        let labels = description.labels.keys().join(",");
        let _ = writeln!(text, "{} {} {{{labels}}}", description.name, description.kind.as_str());
    }
    text
}

/// The catalogue as JSON.
pub fn json() -> String {
    let metrics: Vec<Entry> = all().map(Entry::from).collect();
    let text = serde_json::to_string_pretty(&metrics).expect("a catalogue is plain data");
    format!("{text}\n")
}

/// The reference, as Markdown.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for (group, descriptions) in groups() {
        let _ = write!(text, "\n## {group}\n\n{TABLE}");
        for description in descriptions {
            let _ = writeln!(text, "{}", row(description));
        }
    }
    text
}

const HEAD: &str = "\
# Metrics

Generated from the declarations in the code: change them there, then run `cargo xtask docs`.

Every series exists, at 0, from the first scrape. Labels have closed sets of values: what is not in
the set is counted under `_other` and in `chat_metrics_label_overflows_total`. The prefix `chat_` can
be set (`metrics.prometheus.prefix`). Histograms have the series `_bucket`, `_sum` and `_count`.
`campanile metrics --json` prints the same for programs.
";

const TABLE: &str =
    "| name | kind | unit | labels | what it tells |\n| --- | --- | --- | --- | --- |\n";

/// A metric in JSON.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    family: &'static str,
    kind: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    labels: Vec<Label>,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    buckets: &'static [f64],
    series_max: usize,
}

#[derive(Serialize)]
struct Label {
    name: &'static str,
    values: Vec<&'static str>,
    /// How many values configuration may give, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    configured_max: Option<usize>,
}

impl From<&'static Description> for Entry {
    fn from(description: &'static Description) -> Self {
        Self {
            name: description.name,
            family: description.family(),
            kind: description.kind.as_str(),
            unit: description.unit.map(campanile_metrics::Unit::as_str),
            help: description.help,
            labels: description.labels.as_slice().iter().map(Label::from).collect(),
            buckets: description.buckets,
            series_max: description.series_max(),
        }
    }
}

impl From<&LabelDescription> for Label {
    fn from(label: &LabelDescription) -> Self {
        Self { name: label.key, values: label.values(), configured_max: label.configured_max }
    }
}

/// Every metric, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Description> {
    groups().into_iter().flat_map(|(_, descriptions)| descriptions)
}

fn row(description: &Description) -> String {
    let Description { name, kind, unit, help, labels, .. } = description;
    let unit = unit.map_or("", campanile_metrics::Unit::as_str);
    let labels: Vec<String> = labels.as_slice().iter().map(label).collect();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    format!("| `{name}` | {} | {unit} | {} | {help} |", kind.as_str(), labels.join("<br>"))
}

fn label(label: &LabelDescription) -> String {
    match label.configured_max {
        Some(max) => format!("`{}` (by configuration, at most {max})", label.key),
        None => format!("`{}`: {}", label.key, label.values().join(", ")),
    }
}

trait ConcatGroups {
    fn concat_groups(self) -> Vec<&'static Description>;
}

impl<const GROUPS: usize> ConcatGroups for [&'static [Description]; GROUPS] {
    fn concat_groups(self) -> Vec<&'static Description> {
        self.into_iter().flatten().collect()
    }
}
