//! Exact values for tests, from a recorder in memory or from an exposition's text.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{AtomicStorage, Registry as Storage};

use crate::registry::{Registry, RegistryBuilder};

/// A registry whose values a test can read.
#[derive(Debug)]
pub struct Recording {
    registry: Registry,
    memory: Arc<Memory>,
}

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

impl Recording {
    /// A registry that remembers in memory.
    pub fn new() -> Self {
        Self::with(Registry::builder())
    }

    /// The same with configured label values or other exporters.
    pub fn with(builder: RegistryBuilder) -> Self {
        let memory = Arc::new(Memory::default());
        let recorder: Arc<dyn Recorder + Send + Sync> = memory.clone();
        Self { registry: builder.recorder(recorder).build(), memory }
    }

    /// What catalogues register with.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The memory behind it, to record into from elsewhere.
    pub fn recorder(&self) -> Arc<dyn Recorder + Send + Sync> {
        self.memory.clone()
    }

    /// The values of now; collectors run first.
    pub fn probe(&self) -> Probe {
        self.registry.collect();
        self.memory.probe()
    }
}

/// Values of series at one moment.
///
/// ```
/// use campanile_metrics::testing::Probe;
/// let probe = Probe::of("# TYPE x counter\nx_total{way=\"in\",kind=\"a\"} 3\n");
/// assert_eq!(probe.value("x_total", &[("kind", "a"), ("way", "in")]), Some(3.0));
/// assert_eq!(probe.value("x_total", &[]), None);
/// assert_eq!(probe.sum("x_total"), 3.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Probe {
    samples: BTreeMap<(String, Labels), f64>,
}

type Labels = Vec<(String, String)>;

impl Probe {
    /// Reads an exposition, either format. A line that is not one is a mistake of the
    /// exporter, so it panics.
    pub fn of(exposition: &str) -> Self {
        let lines = exposition.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines.map(|line| {
            let read = sample(line);
            read.unwrap_or_else(|| panic!("not a sample line: {line}"))
        });
        Self { samples: samples.collect() }
    }

    /// The value of the series with exactly these labels, in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.samples.get(&(name.to_owned(), sorted(labels.collect()))).copied()
    }

    /// The sum over all series of a name.
    pub fn sum(&self, name: &str) -> f64 {
        self.samples.iter().filter(|((known, _), _)| known == name).map(|(_, value)| value).sum()
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        self.samples.len()
    }

    /// Every series with its value: name, labels, value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[(String, String)], f64)> {
        self.samples
            .iter()
            .map(|((name, labels), value)| (name.as_str(), labels.as_slice(), *value))
    }

    /// What grew or fell since an earlier moment: series whose value differs, and how much.
    /// A series that is new counts from 0.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut samples = BTreeMap::new();
        for (series, value) in &self.samples {
            let change = value - earlier.samples.get(series).copied().unwrap_or(0.0);
            if change != 0.0 {
                samples.insert(series.clone(), change);
            }
        }
        Self { samples }
    }
}

#[derive(Debug, Default)]
struct Memory {
    storage: Recorded,
    // Histograms are drained when read, so what was read before is kept here.
    drained: Mutex<BTreeMap<(String, Labels), f64>>,
}

struct Recorded(Storage<Key, AtomicStorage>);

impl Default for Recorded {
    fn default() -> Self {
        Self(Storage::new(AtomicStorage))
    }
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorded")
    }
}

impl Memory {
    fn probe(&self) -> Probe {
        let mut samples = BTreeMap::new();
        self.storage.0.visit_counters(|key, counter| {
            samples.insert(series(key, ""), counter.load(Ordering::Acquire) as f64);
        });
        self.storage.0.visit_gauges(|key, gauge| {
            samples.insert(series(key, ""), f64::from_bits(gauge.load(Ordering::Acquire)));
        });
        let mut drained = self.drained.lock().unwrap_or_else(PoisonError::into_inner);
        self.storage.0.visit_histograms(|key, histogram| {
            let (mut count, mut sum) = (0.0, 0.0);
            histogram.clear_with(|values| {
                count += values.len() as f64;
                sum += values.iter().sum::<f64>();
            });
            *drained.entry(series(key, "_count")).or_default() += count;
            *drained.entry(series(key, "_sum")).or_default() += sum;
        });
        samples.extend(drained.iter().map(|(series, value)| (series.clone(), *value)));
        Probe { samples }
    }
}

impl Recorder for Memory {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.storage.0.get_or_create_counter(key, |counter| counter.clone().into())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.storage.0.get_or_create_gauge(key, |gauge| gauge.clone().into())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.storage.0.get_or_create_histogram(key, |histogram| histogram.clone().into())
    }
}

fn series(key: &Key, ending: &str) -> (String, Labels) {
    let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned()));
    (format!("{}{ending}", key.name()), sorted(labels.collect()))
}

fn sorted(mut labels: Labels) -> Labels {
    labels.sort();
    labels
}

/// Reads `name{key="value",…} number`; anything after the number (a time, an exemplar) is
/// left aside.
fn sample(line: &str) -> Option<((String, Labels), f64)> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((key.to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let number = rest.split_ascii_whitespace().next()?;
    let value = match number {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().ok()?,
    };
    Some(((name.to_owned(), sorted(labels)), value))
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            other => value.push(other),
        }
    }
    None
}
