//! The text of a scrape: families in order of their names, in either format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use campanile_metrics::{Description, Exemplar, Kind};

use crate::format::Format;
use crate::histogram::Buckets;
use crate::naming::Naming;
use crate::store::{Families, Family, Series};

/// What a scrape is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposition {
    /// The text.
    pub text: String,
    /// How many series, that is lines with a value, it holds.
    pub series: usize,
}

/// Writes one exposition.
pub(crate) struct Writer<'a> {
    format: Format,
    naming: &'a Naming,
    text: String,
    series: usize,
}

/// Room for the text of most programs, so that it need not grow while it is written.
const TEXT_BYTES: usize = 256 * 1024;

impl<'a> Writer<'a> {
    pub(crate) fn new(format: Format, naming: &'a Naming) -> Self {
        Self { format, naming, text: String::with_capacity(TEXT_BYTES), series: 0 }
    }

    /// Writes what is declared and what metrics-exporter-prometheus renders besides.
    pub(crate) fn write(mut self, declared: &Families, others: &str) -> Exposition {
        let mut others: Vec<Foreign<'_>> = read(others).collect();
        others.sort_unstable_by_key(|family| family.name);
        let mut others = others.into_iter().peekable();
        for (name, family) in declared {
            while let Some(other) = others.next_if(|other| other.name < *name) {
                self.foreign(other);
            }
            self.declared(family);
        }
        others.for_each(|other| self.foreign(other));
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        Exposition { text: self.text, series: self.series }
    }

    fn declared(&mut self, family: &Family) {
        let naming = self.naming;
        let name = naming.shown(family.description.name);
        match &family.series {
            // Nothing is said of a family that has no series: info that was not given yet.
            Series::Counters(series) if !series.is_empty() => {
                self.head(&name, family.description);
                self.numbers(&name, series, |text, bits| write!(text, "{bits}"));
            }
            Series::Gauges(series) if !series.is_empty() => {
                self.head(&name, family.description);
                self.numbers(&name, series, |text, bits| write_float(text, f64::from_bits(bits)));
            }
            Series::Histograms(series) if !series.is_empty() => {
                self.head(&name, family.description);
                self.histograms(&name, family.description.buckets, series);
            }
            _ => {}
        }
    }

    fn numbers(
        &mut self,
        name: &str,
        series: &BTreeMap<String, Arc<AtomicU64>>,
        write: impl Fn(&mut String, u64) -> std::fmt::Result,
    ) {
        for (labels, value) in series {
            self.begin(name, "", labels);
            let written = write(&mut self.text, value.load(Ordering::Relaxed));
            written.expect("a string takes every write");
            self.text.push('\n');
        }
        self.series += series.len();
    }

    fn histograms(&mut self, name: &str, bounds: &[f64], series: &BTreeMap<String, Arc<Buckets>>) {
        let bounds: Vec<String> = bounds.iter().map(|bound| self.bound(*bound)).collect();
        for (labels, buckets) in series {
            let observed = buckets.observed();
            let comma = if labels.is_empty() { "" } else { "," };
            let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
            let exemplars = observed.exemplars.iter().copied().chain(iter::repeat(None));
            for ((bound, count), exemplar) in bounds.zip(&observed.cumulative).zip(exemplars) {
                for part in [name, "_bucket{", labels, comma, "le=\"", bound, "\"} "] {
                    self.text.push_str(part);
                }
                match exemplar.filter(|_| self.format == Format::OpenMetrics) {
                    Some(exemplar) => self.whole_with(*count, exemplar),
                    None => self.whole(*count),
                }
            }
            self.begin(name, "_sum", labels);
            write_float(&mut self.text, observed.sum).expect("a string takes every write");
            self.text.push('\n');
            self.begin(name, "_count", labels);
            self.whole(observed.cumulative.last().copied().unwrap_or_default());
            self.series += observed.cumulative.len() + 2;
        }
    }

    /// Everything of a line that stands before its value.
    fn begin(&mut self, name: &str, ending: &str, labels: &str) {
        let (open, close) = if labels.is_empty() { ("", " ") } else { ("{", "} ") };
        for part in [name, ending, open, labels, close] {
            self.text.push_str(part);
        }
    }

    /// A number with the trace of one observation that it counts, which only the newer format has.
    fn whole_with(&mut self, number: u64, exemplar: Exemplar) {
        let Exemplar { amount, trace, at } = exemplar;
        let (seconds, millis) = (at.as_secs(), at.subsec_millis());
        let text = &mut self.text;
        writeln!(text, "{number} # {{trace_id=\"{trace}\"}} {amount} {seconds}.{millis:03}")
            .expect("a string takes every write");
    }

    fn whole(&mut self, number: u64) {
        writeln!(self.text, "{number}").expect("a string takes every write");
    }

    /// A bound as each format wants it: the newer one writes every number as a float.
    fn bound(&self, bound: f64) -> String {
        match self.format {
            Format::Text => format!("{bound}"),
            Format::OpenMetrics => format!("{bound:?}"),
        }
    }

    fn head(&mut self, name: &str, description: &Description) {
        let help = description.help.replace('\\', "\\\\").replace('\n', "\\n");
        match (self.format, description.kind) {
            (Format::Text, Kind::Info) => self.text_head(name, "gauge", Some(&help)),
            (Format::Text, kind) => self.text_head(name, kind.as_str(), Some(&help)),
            (Format::OpenMetrics, kind) => {
                let ending = description.name.len() - description.family().len();
                let family = &name[..name.len() - ending];
                let unit = description.unit.map(|unit| unit.as_str());
                self.openmetrics_head(family, kind.as_str(), unit, Some(&help));
            }
        }
    }

    /// A family that another crate records. Only its text is known.
    fn foreign(&mut self, mut family: Foreign<'_>) {
        let Foreign { name, kind, help, .. } = family;
        match (self.format, kind, name.strip_suffix("_total")) {
            (Format::Text, ..) => self.text_head(name, kind, help),
            (_, "counter", Some(family)) => self.openmetrics_head(family, kind, None, help),
            // Such a counter cannot be one in this format.
            (_, "counter", None) => self.openmetrics_head(name, "unknown", None, help),
            _ => self.openmetrics_head(name, kind, None, help),
        }
        family.samples.sort_unstable();
        for sample in &family.samples {
            // A float that is infinite is written otherwise than Rust does.
            match sample.strip_suffix("inf") {
                Some(start) if start.ends_with('-') => self.text.extend([start, "Inf"]),
                Some(start) => self.text.extend([start, "+Inf"]),
                None => self.text.push_str(sample),
            }
            self.text.push('\n');
        }
        self.series += family.samples.len();
    }

    fn text_head(&mut self, name: &str, kind: &str, help: Option<&str>) {
        if let Some(help) = help {
            self.text.extend(["# HELP ", name, " ", help, "\n"]);
        }
        self.text.extend(["# TYPE ", name, " ", kind, "\n"]);
    }

    fn openmetrics_head(
        &mut self,
        family: &str,
        kind: &str,
        unit: Option<&str>,
        help: Option<&str>,
    ) {
        self.text.extend(["# TYPE ", family, " ", kind, "\n"]);
        if let Some(unit) = unit {
            self.text.extend(["# UNIT ", family, " ", unit, "\n"]);
        }
        if let Some(help) = help {
            self.text.extend(["# HELP ", family, " ", &help.replace('"', "\\\""), "\n"]);
        }
    }
}

/// A family as metrics-exporter-prometheus renders it.
struct Foreign<'a> {
    name: &'a str,
    help: Option<&'a str>,
    kind: &'a str,
    samples: Vec<&'a str>,
}

/// Splits a rendering into families: `# HELP` if there is one, `# TYPE`, samples.
fn read(rendered: &str) -> impl Iterator<Item = Foreign<'_>> {
    let mut lines = rendered.lines().filter(|line| !line.is_empty()).peekable();
    std::iter::from_fn(move || {
        let mut help = None;
        let (name, kind) = loop {
            let line = lines.next()?;
            if let Some(text) = line.strip_prefix("# HELP ") {
                help = text.split_once(' ').map(|(_, help)| help);
            } else if let Some(text) = line.strip_prefix("# TYPE ") {
                break text.split_once(' ')?;
            }
        };
        let mut samples = Vec::new();
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            samples.push(sample);
        }
        Some(Foreign { name, help, kind, samples })
    })
}

/// A float as both formats want it.
fn write_float(text: &mut String, number: f64) -> std::fmt::Result {
    if number.is_infinite() {
        text.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
        Ok(())
    } else {
        write!(text, "{number}")
    }
}
