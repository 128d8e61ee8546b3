//! Where observations go: recorders that also hear what was declared.

use std::sync::Arc;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use crate::description::{Description, Kind};
use crate::exemplar::{Exemplar, ExemplarFn};

/// A recorder of the facade that also hears the declarations, for buckets and true kinds.
pub trait Sink: Recorder + Send + Sync {
    /// Told of each metric before its first series is registered.
    fn declare(&self, description: &'static Description);

    /// Where the exemplars of a histogram's series go, which is registered; `None` where none are
    /// shown.
    fn exemplars(&self, key: &Key) -> Option<Arc<dyn ExemplarFn>>;
}

/// Makes any recorder of the facade a [`Sink`]. It hears names, units and help, and has to
/// be told of buckets in its own way.
#[derive(Clone, Debug)]
pub struct Described<R>(pub R);

impl<R: Recorder + Send + Sync> Sink for Described<R> {
    fn declare(&self, description: &'static Description) {
        let (name, help) = (KeyName::from(description.name), SharedString::from(description.help));
        let unit = description.unit.map(crate::Unit::facade);
        match description.kind {
            Kind::Counter => self.0.describe_counter(name, unit, help),
            Kind::Gauge | Kind::Info | Kind::FractionalCounter => {
                self.0.describe_gauge(name, unit, help);
            }
            Kind::Histogram => self.0.describe_histogram(name, unit, help),
        }
    }

    fn exemplars(&self, _key: &Key) -> Option<Arc<dyn ExemplarFn>> {
        None
    }
}

impl<R: Recorder> Recorder for Described<R> {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.describe_counter(name, unit, help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.describe_gauge(name, unit, help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.describe_histogram(name, unit, help);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.0.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.0.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.0.register_histogram(key, metadata)
    }
}

/// The recorder that the process has installed, if any.
pub(crate) struct ProcessWide;

impl Recorder for ProcessWide {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        metrics::with_recorder(|recorder| recorder.describe_counter(name, unit, help));
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        metrics::with_recorder(|recorder| recorder.describe_gauge(name, unit, help));
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        metrics::with_recorder(|recorder| recorder.describe_histogram(name, unit, help));
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        metrics::with_recorder(|recorder| recorder.register_counter(key, metadata))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        metrics::with_recorder(|recorder| recorder.register_gauge(key, metadata))
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        metrics::with_recorder(|recorder| recorder.register_histogram(key, metadata))
    }
}

/// One sink out of many. A single one stays bare, so that it costs nothing.
pub(crate) fn combine(mut sinks: Vec<Arc<dyn Sink>>) -> Arc<dyn Sink> {
    match sinks.len() {
        0 => Arc::new(Described(metrics::NoopRecorder)),
        1 => sinks.remove(0),
        _ => Arc::new(Several(sinks)),
    }
}

/// Fans out to several sinks. The fan-out of metrics-util cannot be sent between threads,
/// and repeats an observation made many times where a sink could take it at once.
struct Several(Vec<Arc<dyn Sink>>);

/// The handles of one series, one per sink.
struct Each<H>(Vec<H>);

impl Several {
    fn each<H>(&self, register: impl Fn(&dyn Sink) -> H) -> Arc<Each<H>> {
        Arc::new(Each(self.0.iter().map(|sink| register(&**sink)).collect()))
    }
}

impl Sink for Several {
    fn declare(&self, description: &'static Description) {
        for sink in &self.0 {
            sink.declare(description);
        }
    }

    fn exemplars(&self, key: &Key) -> Option<Arc<dyn ExemplarFn>> {
        let takers: Vec<_> = self.0.iter().filter_map(|sink| sink.exemplars(key)).collect();
        (!takers.is_empty()).then(|| Arc::new(AllTakers(takers)) as Arc<dyn ExemplarFn>)
    }
}

/// The exemplars of one series, for each sink that shows them.
#[derive(Debug)]
struct AllTakers(Vec<Arc<dyn ExemplarFn>>);

impl ExemplarFn for AllTakers {
    fn exemplify(&self, exemplar: Exemplar) {
        self.0.iter().for_each(|taker| taker.exemplify(exemplar));
    }
}

impl Recorder for Several {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        for sink in &self.0 {
            sink.describe_counter(name.clone(), unit, help.clone());
        }
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        for sink in &self.0 {
            sink.describe_gauge(name.clone(), unit, help.clone());
        }
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        for sink in &self.0 {
            sink.describe_histogram(name.clone(), unit, help.clone());
        }
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.each(|sink| sink.register_counter(key, metadata)))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.each(|sink| sink.register_gauge(key, metadata)))
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.each(|sink| sink.register_histogram(key, metadata)))
    }
}

impl CounterFn for Each<Counter> {
    fn increment(&self, value: u64) {
        self.0.iter().for_each(|counter| counter.increment(value));
    }

    fn absolute(&self, value: u64) {
        self.0.iter().for_each(|counter| counter.absolute(value));
    }
}

impl GaugeFn for Each<Gauge> {
    fn increment(&self, value: f64) {
        self.0.iter().for_each(|gauge| gauge.increment(value));
    }

    fn decrement(&self, value: f64) {
        self.0.iter().for_each(|gauge| gauge.decrement(value));
    }

    fn set(&self, value: f64) {
        self.0.iter().for_each(|gauge| gauge.set(value));
    }
}

impl HistogramFn for Each<Histogram> {
    fn record(&self, value: f64) {
        self.0.iter().for_each(|histogram| histogram.record(value));
    }

    fn record_many(&self, value: f64, count: usize) {
        self.0.iter().for_each(|histogram| histogram.record_many(value, count));
    }
}
