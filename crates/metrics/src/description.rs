//! What is known of a metric before anything has happened: one static record each.

/// What sort of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, in whole steps.
    Counter,
    /// Only grows, by fractions (seconds of CPU). The facade counts in whole numbers, so it
    /// is recorded as a gauge; exporters show it as the counter it is.
    FractionalCounter,
    /// Goes up and down.
    Gauge,
    /// Observations sorted into buckets.
    Histogram,
    /// The constant 1, whose labels carry text.
    Info,
}

impl Kind {
    /// The word for it in documents and expositions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter | Self::FractionalCounter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// True for both sorts of counter.
    pub const fn is_counter(self) -> bool {
        matches!(self, Self::Counter | Self::FractionalCounter)
    }
}

/// The base units; there are no others, and ratios have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, never milliseconds.
    Seconds,
    /// Bytes, never kilobytes.
    Bytes,
}

impl Unit {
    /// The word a name with this unit ends in.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
        }
    }

    /// The same unit as the facade names it.
    pub const fn facade(self) -> metrics::Unit {
        match self {
            Self::Seconds => metrics::Unit::Seconds,
            Self::Bytes => metrics::Unit::Bytes,
        }
    }
}

/// One declared metric: the source of handles, expositions, documents and checks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// The name in full, as declared; an exporter may swap its prefix.
    pub name: &'static str,
    /// What sort of number it is.
    pub kind: Kind,
    /// Its base unit.
    pub unit: Option<Unit>,
    /// The sentence beside its declaration.
    pub help: &'static str,
    /// Its labels, in order.
    pub labels: LabelList,
    /// How many label combinations there can be.
    pub combinations: usize,
    /// Upper bounds of the buckets of a histogram; empty for everything else.
    pub buckets: &'static [f64],
}

impl Description {
    /// The name of its family: without `_total` for counters, without `_info` for info.
    pub const fn family(&self) -> &'static str {
        crate::rules::family(self.name, self.kind)
    }

    /// The most lines it can have in an exposition: each combination has one, or for a
    /// histogram one per bucket and `+Inf`, `_sum`, `_count`.
    pub const fn series_max(&self) -> usize {
        match self.kind {
            Kind::Histogram => self.combinations * (self.buckets.len() + 3),
            _ => self.combinations,
        }
    }
}

/// One label of a metric and the values it can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelDescription {
    /// The label's name.
    pub key: &'static str,
    rows: &'static [&'static [&'static str]],
    column: usize,
    /// For values that come from configuration: how many there may be, the overflow included.
    pub configured_max: Option<usize>,
}

impl LabelDescription {
    /// The closed set of values, each once; empty when configuration gives them.
    pub fn values(&self) -> Vec<&'static str> {
        let mut values = Vec::new();
        for row in self.rows {
            if !values.contains(&row[self.column]) {
                values.push(row[self.column]);
            }
        }
        values
    }
}

/// How many labels one metric may have.
pub(crate) const LABELS_MAX: usize = 6;

/// The labels of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelList {
    // Only the first `count` places mean something; constants cannot hold a `Vec`.
    places: [LabelDescription; LABELS_MAX],
    count: usize,
}

impl LabelList {
    /// No labels.
    pub const EMPTY: Self = Self {
        places: [LabelDescription { key: "", rows: &[], column: 0, configured_max: None };
            LABELS_MAX],
        count: 0,
    };

    /// The columns of a table of values, one row per combination that exists.
    pub const fn table(
        keys: &'static [&'static str],
        rows: &'static [&'static [&'static str]],
    ) -> Self {
        let mut list = Self::EMPTY;
        let mut column = 0;
        while column < keys.len() {
            list = list.with(LabelDescription {
                key: keys[column],
                rows,
                column,
                configured_max: None,
            });
            column += 1;
        }
        let mut row = 0;
        while row < rows.len() {
            assert!(rows[row].len() == keys.len(), "give one value for each label key");
            row += 1;
        }
        list
    }

    /// One label whose values come from configuration.
    pub const fn configured(key: &'static str, max: usize) -> Self {
        Self::EMPTY.with(LabelDescription { key, rows: &[], column: 0, configured_max: Some(max) })
    }

    /// Labels named only by key, with one set of values that is given once.
    pub const fn named(keys: &'static [&'static str]) -> Self {
        let mut list = Self::EMPTY;
        let mut index = 0;
        while index < keys.len() {
            let key = keys[index];
            list =
                list.with(LabelDescription { key, rows: &[], column: 0, configured_max: Some(1) });
            index += 1;
        }
        list
    }

    /// These labels and then those.
    pub const fn and(self, other: Self) -> Self {
        let mut list = self;
        let mut index = 0;
        while index < other.count {
            list = list.with(other.places[index]);
            index += 1;
        }
        list
    }

    /// The labels as a slice.
    pub const fn as_slice(&self) -> &[LabelDescription] {
        self.places.split_at(self.count).0
    }

    /// The label names, in order.
    pub fn keys(&self) -> Vec<&'static str> {
        self.as_slice().iter().map(|label| label.key).collect()
    }

    const fn with(mut self, label: LabelDescription) -> Self {
        assert!(self.count < LABELS_MAX, "a metric has too many labels");
        self.places[self.count] = label;
        self.count += 1;
        self
    }
}
