//! The facade layer: a typed catalogue of metrics, a registry, collectors and the exporter port.
//!
//! Declare what can happen once, with [`catalogue!`] and [`labels!`]; pass the handles to
//! whoever sees it happen; let an [`Exporter`] show it.
//!
//! ```
//! use campanile_metrics::{buckets, catalogue, labels, testing::Recording};
//!
//! labels! {
//!     /// What became of an order.
//!     pub enum Outcome("result") { Served = "served", Refused = "refused" }
//! }
//! catalogue! {
//!     /// What the kitchen does.
//!     pub struct KitchenMetrics {
//!         /// Orders taken to their end.
//!         counter orders(Outcome) = "chat_orders_total";
//!         /// Time from order to plate.
//!         histogram waiting() = "chat_order_waiting_seconds" [Seconds] buckets buckets::LATENCY;
//!     }
//! }
//!
//! let recording = Recording::new();
//! let metrics = KitchenMetrics::register(recording.registry());
//! metrics.orders.increment(Outcome::Served);
//! metrics.waiting.observe(0.2);
//!
//! let probe = recording.probe();
//! assert_eq!(probe.value("chat_orders_total", &[("result", "served")]), Some(1.0));
//! assert_eq!(probe.value("chat_orders_total", &[("result", "refused")]), Some(0.0));
//! assert_eq!(probe.value("chat_order_waiting_seconds_count", &[]), Some(1.0));
//! ```

mod batch;
pub mod buckets;
mod catalogue;
mod collector;
mod counter;
mod description;
mod exemplar;
mod exporter;
mod family;
mod gauge;
mod histogram;
mod info;
mod label;
mod registry;
pub mod rules;
mod sink;
pub mod standard;
pub mod testing;

pub use batch::{Batch, BatchedCounter, BatchedHistogram};
pub use collector::{Collector, IntervalError, StatisticsInterval};
pub use counter::{Counter, CounterHandle, FractionalCounter, FractionalCounterHandle};
pub use description::{Description, Kind, LabelDescription, LabelList, Unit};
pub use exemplar::{Exemplar, ExemplarFn, TraceId};
pub use exporter::{
    Exporter, ExporterFault, ExporterMetrics, ExporterName, RunningExporter, StartError, StopFuture,
};
pub use family::Amount;
pub use gauge::{Gauge, GaugeHandle, Guard};
pub use histogram::{Histogram, HistogramHandle};
pub use info::Info;
pub use label::{Cell, ConfiguredLabel, Label, LabelSet, LabelValues, OVERFLOW};
pub use registry::{Registry, RegistryBuilder, WeakRegistry};
pub use rules::Clash;
pub use sink::{Described, Sink};
