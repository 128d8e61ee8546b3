//! Where observations are kept until a scrape: the sink of the registry.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_metrics::{Description, ExemplarFn, Kind, Sink};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::exposition::{Exposition, Writer};
use crate::format::Format;
use crate::histogram::Buckets;
use crate::naming::Naming;

/// Keeps what is recorded, and renders it in any [`Format`] under any [`Naming`].
///
/// The metrics of a catalogue are kept here, ready to be written: their kinds, buckets and
/// labels are known beforehand, so a scrape neither sorts nor escapes anything. What other
/// crates record through the facade without a catalogue is left to
/// metrics-exporter-prometheus, and its text is merged in.
pub struct Store {
    families: Mutex<Families>,
    others: PrometheusRecorder,
    rendering: PrometheusHandle,
}

/// What is declared, by name.
pub(crate) type Families = BTreeMap<&'static str, Family>;

/// One declared metric.
pub(crate) struct Family {
    pub(crate) description: &'static Description,
    pub(crate) series: Series,
}

/// The series of a family, by the text between their braces.
pub(crate) enum Series {
    /// Whole numbers.
    Counters(BTreeMap<String, Arc<AtomicU64>>),
    /// The bits of floats.
    Gauges(BTreeMap<String, Arc<AtomicU64>>),
    Histograms(BTreeMap<String, Arc<Buckets>>),
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        let others = PrometheusBuilder::new().build_recorder();
        let rendering = others.handle();
        Self { families: Mutex::default(), others, rendering }
    }

    /// Everything, as it is now.
    pub fn render(&self, format: Format, naming: &Naming) -> Exposition {
        let others = self.rendering.render();
        Writer::new(format, naming).write(&self.families(), &others)
    }

    /// Sorts in what other crates observed without a catalogue, which would pile up
    /// otherwise. To be called every few seconds.
    pub fn keep_up(&self) {
        self.rendering.run_upkeep();
    }

    /// A panic elsewhere leaves the map whole, so it stays usable.
    fn families(&self) -> MutexGuard<'_, Families> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Store {
    fn declare(&self, description: &'static Description) {
        let series = match description.kind {
            Kind::Counter => Series::Counters(BTreeMap::new()),
            Kind::Gauge | Kind::Info | Kind::FractionalCounter => Series::Gauges(BTreeMap::new()),
            Kind::Histogram => Series::Histograms(BTreeMap::new()),
        };
        self.families().entry(description.name).or_insert(Family { description, series });
    }

    fn exemplars(&self, key: &Key) -> Option<Arc<dyn ExemplarFn>> {
        match &self.families().get(key.name())?.series {
            Series::Histograms(series) => {
                let buckets: &Arc<Buckets> = series.get(&label_text(key))?;
                Some(buckets.clone())
            }
            Series::Counters(_) | Series::Gauges(_) => None,
        }
    }
}

impl Recorder for Store {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.others.describe_counter(name, unit, help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.others.describe_gauge(name, unit, help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.others.describe_histogram(name, unit, help);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        match self.families().get_mut(key.name()) {
            Some(Family { series: Series::Counters(series), .. }) => {
                Counter::from_arc(Arc::clone(series.entry(label_text(key)).or_default()))
            }
            _ => self.others.register_counter(key, metadata),
        }
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        match self.families().get_mut(key.name()) {
            Some(Family { series: Series::Gauges(series), .. }) => {
                Gauge::from_arc(Arc::clone(series.entry(label_text(key)).or_default()))
            }
            _ => self.others.register_gauge(key, metadata),
        }
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        match self.families().get_mut(key.name()) {
            Some(Family { series: Series::Histograms(series), description }) => {
                let empty = || Arc::new(Buckets::new(description.buckets));
                let buckets = series.entry(label_text(key)).or_insert_with(empty);
                Histogram::from_arc(Arc::clone(buckets))
            }
            _ => self.others.register_histogram(key, metadata),
        }
    }
}

/// The labels of a series as they stand between the braces.
fn label_text(key: &Key) -> String {
    let mut text = String::new();
    for label in key.labels() {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(label.key());
        text.push_str("=\"");
        for character in label.value().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                plain => text.push(plain),
            }
        }
        text.push('"');
    }
    text
}
