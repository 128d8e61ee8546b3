//! The registry: which metrics there are, where they are recorded, who reads them.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use metrics::{Key, Label, Level, Metadata, Recorder};

use crate::collector::{Collector, StatisticsInterval};
use crate::description::{Description, Kind, LabelList};
use crate::exporter::{Exporter, ExporterName};
use crate::gauge::GaugeHandle;
use crate::label::{ConfiguredLabel, LabelValues};
use crate::rules::{self, Clash};
use crate::sink::{Described, ProcessWide, Sink, combine};

pub(crate) const METADATA: Metadata<'static> =
    Metadata::new("campanile", Level::INFO, Some(module_path!()));

/// Which metrics there are, where they are recorded, and who reads them. Cheap to clone;
/// several can live in one process without mixing.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    sink: Arc<dyn Sink>,
    values: Mutex<Values>,
    interval: StatisticsInterval,
    declared: Mutex<Vec<&'static Description>>,
    // Set as soon as there is a registry to declare it with.
    series_max: OnceLock<GaugeHandle>,
    collectors: Mutex<Vec<Arc<dyn Collector>>>,
    // One at a time: two scrapes that come together must not read everything twice at once.
    collecting: Mutex<()>,
}

/// The values of configured labels, and who makes the series of those that are added.
#[derive(Default)]
struct Values {
    now: LabelValues,
    followers: Vec<Follow>,
}

/// Makes the series of what values there are, as far as they are not made.
type Follow = Box<dyn Fn(&LabelValues) + Send>;

/// A registry that ends when nobody else has it, for what the registry itself asks.
#[derive(Clone)]
pub struct WeakRegistry(Weak<Inner>);

/// Puts a [`Registry`] together.
#[derive(Default)]
pub struct RegistryBuilder {
    sinks: Vec<Arc<dyn Sink>>,
    values: LabelValues,
    interval: StatisticsInterval,
}

impl Registry {
    /// A registry that records into any recorder of the facade.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self::builder().recorder(recorder).build()
    }

    /// A registry put together from exporters, configured label values, and so on.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The registry of the process-wide recorder of the facade, for whoever uses one of
    /// these crates alone. Install the recorder before registering a catalogue here:
    /// handles made earlier record nothing, for ever.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(|| Self::new(Arc::new(ProcessWide)))
    }

    /// Everything declared so far, in order.
    pub fn descriptions(&self) -> Vec<&'static Description> {
        lock(&self.inner.declared).clone()
    }

    /// The most series that what is declared can have.
    pub fn series_max(&self) -> usize {
        lock(&self.inner.declared).iter().map(|description| description.series_max()).sum()
    }

    /// The label for a value from configuration, the overflow if it is not one of them.
    pub fn label<L: ConfiguredLabel>(&self, value: &str) -> L {
        lock(&self.inner.values).now.find(value)
    }

    /// The same for a value that comes later: it is one of them from now on, as long as there is
    /// room, and every metric has its series, at 0, when this returns. No value ever goes: its
    /// counters would go with it, or go on as those of another.
    pub fn add_label<L: ConfiguredLabel>(&self, value: &str) -> L {
        let mut values = lock(&self.inner.values);
        if values.now.add::<L>(value) {
            let Values { now, followers } = &*values;
            followers.iter().for_each(|follow| follow(now));
        }
        values.now.find(value)
    }

    /// The same registry for whoever it asks, which it would otherwise never lose.
    pub fn downgrade(&self) -> WeakRegistry {
        WeakRegistry(Arc::downgrade(&self.inner))
    }

    /// Adds something that reads numbers; it runs as the statistics interval says.
    pub fn add_collector(&self, collector: impl Collector + 'static) {
        lock(&self.inner.collectors).push(Arc::new(collector));
    }

    /// Runs every collector now.
    pub fn collect(&self) {
        let collectors = lock(&self.inner.collectors).clone();
        let _one_at_a_time = lock(&self.inner.collecting);
        for collector in collectors {
            collector.collect();
        }
    }

    /// For exporters, before they read: runs the collectors unless the background does.
    pub fn refresh(&self) {
        if self.inner.interval == StatisticsInterval::Manual {
            self.collect();
        }
    }

    /// Runs the collectors in the background as the statistics interval says; for the
    /// program to spawn. It ends at once when they run before each exposition instead.
    pub async fn sample(self) {
        let StatisticsInterval::Seconds(seconds) = self.inner.interval else {
            return;
        };
        let mut ticks = tokio::time::interval(Duration::from_secs(u64::from(seconds.get())));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let registry = self.clone();
            // A collector that panics has been reported by the panic hook; the others go on.
            let _ = tokio::task::spawn_blocking(move || registry.collect()).await;
        }
    }

    /// Notes metrics that are about to be registered.
    ///
    /// # Panics
    ///
    /// When one of them clashes with one declared before.
    pub fn declare(&self, descriptions: &'static [Description]) {
        if let Err(clash) = self.try_declare(descriptions) {
            panic!("{clash}");
        }
    }

    /// Notes metrics that are about to be registered, or says which one cannot be.
    pub fn try_declare(&self, descriptions: &'static [Description]) -> Result<(), Clash> {
        let mut declared = lock(&self.inner.declared);
        for description in descriptions {
            rules::check_against(&declared, description)?;
        }
        for description in descriptions {
            if !declared.contains(&description) {
                self.inner.sink.declare(description);
                declared.push(description);
            }
        }
        drop(declared);
        if let Some(series_max) = self.inner.series_max.get() {
            series_max.set(self.series_max());
        }
        Ok(())
    }

    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.inner.sink)
    }

    pub(crate) fn label_values(&self) -> LabelValues {
        lock(&self.inner.values).now.clone()
    }

    /// Calls this whenever a value is added, and now, since one may have been just before.
    pub(crate) fn with_added_values(&self, follow: impl Fn(&LabelValues) + Send + 'static) {
        let mut values = lock(&self.inner.values);
        follow(&values.now);
        values.followers.push(Box::new(follow));
    }
}

impl WeakRegistry {
    /// As [`Registry::add_label`]; the overflow where nobody has the registry any more.
    pub fn add_label<L: ConfiguredLabel>(&self, value: &str) -> L {
        let registry = self.0.upgrade().map(|inner| Registry { inner });
        registry.map_or(L::at(0), |registry| registry.add_label(value))
    }
}

/// The counter of what a metric had to put under the overflow value.
pub(crate) fn overflows_of(sink: &dyn Sink, description: &Description) -> metrics::Counter {
    let family = description.family();
    let family = family.strip_prefix("chat_").unwrap_or(family);
    let key = Key::from_parts(LABEL_OVERFLOWS.name, vec![Label::new("family", family)]);
    sink.register_counter(&key, &METADATA)
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("series_max", &self.series_max()).finish_non_exhaustive()
    }
}

impl RegistryBuilder {
    /// Records into what an exporter shows.
    pub fn exporter(mut self, exporter: &dyn Exporter) -> Self {
        self.values.add::<ExporterName>(exporter.name());
        self.sink(exporter.sink())
    }

    /// Records into a sink.
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Records into any recorder of the facade.
    pub fn recorder(self, recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        self.sink(Arc::new(Described(recorder)))
    }

    /// Says which values a configured label has.
    pub fn values<L: ConfiguredLabel>(
        mut self,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        for value in values {
            self.values.add::<L>(&value.into());
        }
        self
    }

    /// Says when collectors run.
    pub fn statistics_interval(mut self, interval: StatisticsInterval) -> Self {
        self.interval = interval;
        self
    }

    /// Makes the registry. With no exporter and no recorder, recording does nothing.
    pub fn build(self) -> Registry {
        let inner = Inner {
            sink: combine(self.sinks),
            values: Mutex::new(Values { now: self.values, followers: Vec::new() }),
            interval: self.interval,
            declared: Mutex::default(),
            series_max: OnceLock::new(),
            collectors: Mutex::default(),
            collecting: Mutex::default(),
        };
        let registry = Registry { inner: Arc::new(inner) };
        registry.declare(std::slice::from_ref(&LABEL_OVERFLOWS));
        let series_max = RegistryMetrics::register(&registry).series_max.handle();
        series_max.set(registry.series_max());
        // Nobody else has seen this registry yet.
        let _ = registry.inner.series_max.set(series_max);
        registry
    }
}

crate::catalogue! {
    /// What the registry tells of itself.
    pub(crate) struct RegistryMetrics {
        /// Series the catalogue allows: the sum of its declared bounds.
        gauge series_max() = "chat_metrics_series_max";
    }
}

const LABEL_OVERFLOWS_NAME: &str = "chat_metrics_label_overflows_total";

/// Declared by hand, since its label values are the families that other catalogues declare.
const LABEL_OVERFLOWS: Description = Description {
    name: LABEL_OVERFLOWS_NAME,
    kind: Kind::Counter,
    unit: None,
    help: "Observations moved to the overflow label value.",
    labels: LabelList::configured("family", FAMILIES_MAX),
    combinations: FAMILIES_MAX,
    buckets: &[],
};
const _: () = rules::enforce(&[LABEL_OVERFLOWS]);

/// How many families can have a configured label.
const FAMILIES_MAX: usize = 200;

/// A panic elsewhere leaves these lists whole, so they stay usable.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
