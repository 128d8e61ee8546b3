//! Where observations are kept until a scrape: the sink of the registry.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_metrics::{Description, Kind, Sink};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::exposition::{Exposition, Writer};
use crate::format::Format;
use crate::histogram::Buckets;
use crate::naming::Naming;

/// Keeps what is recorded, and renders it in any [`Format`] under any [`Naming`].
///
/// Counters and gauges are with metrics-exporter-prometheus, and so is everything that other
/// crates record without a catalogue. Histograms of a catalogue are our own, since their
/// buckets are known.
pub struct Store {
    others: PrometheusRecorder,
    rendering: PrometheusHandle,
    declared: Mutex<HashMap<&'static str, &'static Description>>,
    histograms: Mutex<Histograms>,
}

/// By name, and then by the text between the braces.
pub(crate) type Histograms = BTreeMap<&'static str, HistogramFamily>;

/// One histogram.
pub(crate) struct HistogramFamily {
    pub(crate) description: &'static Description,
    pub(crate) series: BTreeMap<String, Arc<Buckets>>,
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
        Self {
            others,
            rendering,
            declared: Mutex::default(),
            histograms: Mutex::default(),
        }
    }

    /// Everything, as it is now.
    pub fn render(&self, format: Format, naming: &Naming) -> Exposition {
        let others = self.rendering.render();
        let declared = lock(&self.declared);
        let histograms = lock(&self.histograms);
        Writer::new(format, naming).write(&others, &declared, &histograms)
    }

    /// Sorts in what other crates observed without a catalogue, which would pile up
    /// otherwise. To be called every few seconds.
    pub fn keep_up(&self) {
        self.rendering.run_upkeep();
    }
}

impl Sink for Store {
    fn declare(&self, description: &'static Description) {
        lock(&self.declared).insert(description.name, description);
        if description.kind == Kind::Histogram {
            let empty = HistogramFamily {
                description,
                series: BTreeMap::new(),
            };
            lock(&self.histograms)
                .entry(description.name)
                .or_insert(empty);
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
        self.others.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.others.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        match lock(&self.histograms).get_mut(key.name()) {
            Some(family) => {
                let bounds = family.description.buckets;
                let series = family.series.entry(label_text(key));
                let buckets = series.or_insert_with(|| Arc::new(Buckets::new(bounds)));
                Histogram::from_arc(Arc::clone(buckets))
            }
            None => self.others.register_histogram(key, metadata),
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

/// A panic elsewhere leaves these maps whole, so they stay usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
