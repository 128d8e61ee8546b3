//! The text of a scrape: families in order of their names, in either format.

use std::collections::HashMap;
use std::fmt::Write as _;

use campanile_metrics::{Description, Kind};

use crate::format::Format;
use crate::naming::Naming;
use crate::store::{HistogramFamily, Histograms};

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

/// A family as metrics-exporter-prometheus renders it.
struct Rendered<'a> {
    name: &'a str,
    help: Option<&'a str>,
    kind: &'a str,
    samples: Vec<&'a str>,
}

/// A family from either source.
enum Family<'a> {
    Rendered(Rendered<'a>),
    Histogram(&'a HistogramFamily),
}

type Declared = HashMap<&'static str, &'static Description>;

impl<'a> Writer<'a> {
    pub(crate) fn new(format: Format, naming: &'a Naming) -> Self {
        Self {
            format,
            naming,
            text: String::new(),
            series: 0,
        }
    }

    pub(crate) fn write(
        mut self,
        rendered: &str,
        declared: &Declared,
        histograms: &Histograms,
    ) -> Exposition {
        self.text.reserve(rendered.len() * 2);
        let mut families: Vec<Family<'_>> = read(rendered).map(Family::Rendered).collect();
        families.extend(histograms.values().map(Family::Histogram));
        families.sort_unstable_by_key(Family::name);
        for family in families {
            match family {
                Family::Rendered(rendered) => self.rendered(rendered, declared),
                Family::Histogram(histogram) => self.histogram(histogram),
            }
        }
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        Exposition {
            text: self.text,
            series: self.series,
        }
    }

    fn rendered(&mut self, mut family: Rendered<'_>, declared: &Declared) {
        let shown = self.naming.shown(family.name);
        match declared.get(family.name) {
            Some(description) => self.head(&shown, description),
            None => self.foreign_head(&shown, &family),
        }
        family.samples.sort_unstable();
        for sample in &family.samples {
            let rest = &sample[family.name.len()..];
            self.text.push_str(&shown);
            // A float that is infinite is written otherwise than Rust does.
            match rest.strip_suffix("inf") {
                Some(finite) if finite.ends_with('-') => _ = write!(self.text, "{finite}Inf"),
                Some(finite) => _ = write!(self.text, "{finite}+Inf"),
                None => self.text.push_str(rest),
            }
            self.text.push('\n');
        }
        self.series += family.samples.len();
    }

    fn histogram(&mut self, family: &HistogramFamily) {
        let shown = self.naming.shown(family.description.name);
        self.head(&shown, family.description);
        let bounds: Vec<String> = family
            .description
            .buckets
            .iter()
            .map(|le| self.bound(*le))
            .collect();
        for (labels, buckets) in &family.series {
            let observed = buckets.observed();
            let comma = if labels.is_empty() { "" } else { "," };
            let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
            for (le, count) in bounds.zip(&observed.cumulative) {
                _ = writeln!(
                    self.text,
                    "{shown}_bucket{{{labels}{comma}le=\"{le}\"}} {count}"
                );
            }
            let braces = if labels.is_empty() {
                String::new()
            } else {
                format!("{{{labels}}}")
            };
            let count = observed.cumulative.last().copied().unwrap_or_default();
            _ = writeln!(self.text, "{shown}_sum{braces} {}", observed.sum);
            _ = writeln!(self.text, "{shown}_count{braces} {count}");
            self.series += observed.cumulative.len() + 2;
        }
    }

    /// A bound as each format wants it: the newer one writes every number as a float.
    fn bound(&self, bound: f64) -> String {
        match self.format {
            Format::Text => format!("{bound}"),
            Format::OpenMetrics => format!("{bound:?}"),
        }
    }

    fn head(&mut self, shown: &str, description: &Description) {
        let help = escape(description.help);
        match (self.format, description.kind) {
            (Format::Text, Kind::Info) => self.text_head(shown, "gauge", Some(&help)),
            (Format::Text, kind) => self.text_head(shown, kind.as_str(), Some(&help)),
            (Format::OpenMetrics, kind) => {
                let ending = description.name.len() - description.family().len();
                let family = &shown[..shown.len() - ending];
                _ = writeln!(self.text, "# TYPE {family} {}", kind.as_str());
                if let Some(unit) = description.unit {
                    _ = writeln!(self.text, "# UNIT {family} {}", unit.as_str());
                }
                _ = writeln!(self.text, "# HELP {family} {}", help.replace('"', "\\\""));
            }
        }
    }

    /// The head of a family that another crate records. Only its text is known.
    fn foreign_head(&mut self, shown: &str, family: &Rendered<'_>) {
        if self.format == Format::Text {
            return self.text_head(shown, family.kind, family.help);
        }
        let (name, kind) = match (family.kind, shown.strip_suffix("_total")) {
            ("counter", Some(family)) => (family, "counter"),
            // Such a counter cannot be one in this format.
            ("counter", None) => (shown, "unknown"),
            (kind, _) => (shown, kind),
        };
        _ = writeln!(self.text, "# TYPE {name} {kind}");
        if let Some(help) = family.help {
            _ = writeln!(self.text, "# HELP {name} {}", help.replace('"', "\\\""));
        }
    }

    fn text_head(&mut self, name: &str, kind: &str, help: Option<&str>) {
        if let Some(help) = help {
            _ = writeln!(self.text, "# HELP {name} {help}");
        }
        _ = writeln!(self.text, "# TYPE {name} {kind}");
    }
}

impl<'a> Family<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Rendered(rendered) => rendered.name,
            Self::Histogram(histogram) => histogram.description.name,
        }
    }
}

/// Splits a rendering into families: `# HELP` if there is one, `# TYPE`, samples.
fn read(rendered: &str) -> impl Iterator<Item = Rendered<'_>> {
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
        Some(Rendered {
            name,
            help,
            kind,
            samples,
        })
    })
}

fn escape(help: &str) -> String {
    help.replace('\\', "\\\\").replace('\n', "\\n")
}
