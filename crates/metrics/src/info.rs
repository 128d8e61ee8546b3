//! Text that describes the program, as labels of a constant 1.

use std::sync::{Arc, OnceLock};

use metrics::{Key, Label};

use crate::description::Description;
use crate::registry::{METADATA, Registry};
use crate::sink::Sink;

/// A metric that is always 1 and whose labels tell something.
#[derive(Clone)]
pub struct Info<const LABELS: usize> {
    sink: Arc<dyn Sink>,
    description: &'static Description,
    // Set once, since other values would be another series and the first would stay.
    told: Arc<OnceLock<metrics::Gauge>>,
}

impl<const LABELS: usize> Info<LABELS> {
    /// Remembers where to write; the series begins with [`set`](Self::set).
    pub fn register(registry: &Registry, description: &'static Description) -> Self {
        Self { sink: registry.sink(), description, told: Arc::new(OnceLock::new()) }
    }

    /// Gives the label values, in the order of the declaration. Only the first call counts.
    pub fn set(&self, values: [&str; LABELS]) {
        self.told.get_or_init(|| {
            let keys = self.description.labels.keys();
            let pairs = keys.into_iter().zip(values);
            let labels: Vec<Label> =
                pairs.map(|(key, value)| Label::new(key, value.to_owned())).collect();
            let key = Key::from_parts(self.description.name, labels);
            let gauge = self.sink.register_gauge(&key, &METADATA);
            gauge.set(1.0);
            gauge
        });
    }
}

impl<const LABELS: usize> std::fmt::Debug for Info<LABELS> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Info").field(&self.description.name).finish()
    }
}
