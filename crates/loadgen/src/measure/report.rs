//! What was measured, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dialect::Protocol;
use super::field::Field;
use super::meter::{Phase, Sample, Spent};
use super::page;
use crate::delivery::Faults;
use crate::histogram::Histogram;
use crate::report::Latency;

/// Everything that is told at the end of a measurement. As JSON it has the names of these fields.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    pub(super) scenario: &'static str,
    pub(super) protocol: String,
    pub(super) url: String,
    pub(super) prefix: String,
    /// How long it took, with everything.
    pub(super) seconds: f64,
    /// What each thing cost the server, and how fast things went.
    pub(super) costs: Costs,
    /// Messages that were sent.
    pub(super) sent: u64,
    /// Messages that the server said it has.
    pub(super) acknowledged: u64,
    /// Messages that were heard.
    pub(super) delivered: u64,
    /// Messages that were told to who had been away.
    pub(super) recovered: u64,
    /// What was wrong with the delivery.
    #[serde(flatten)]
    pub(super) faults: Faults,
    /// Connections that were opened.
    pub(super) connections: u64,
    /// Of them, by clients who had had one.
    pub(super) reconnects: u64,
    /// Connections that ended though nobody here had asked for it.
    pub(super) cuts: u64,
    /// Attempts that reached nobody.
    pub(super) unreachable: u64,
    /// Refusals by where and why.
    pub(super) refused: BTreeMap<String, u64>,
    /// Closing codes of the server.
    pub(super) closed: BTreeMap<String, u64>,
    pub(super) latencies: Latencies,
    /// The same at [`PERCENTILES`]; empty where nothing was measured.
    pub(super) percentiles_ms: Spectra,
    pub(super) phases: Vec<Phase>,
    /// A line for each second.
    pub(super) samples: Vec<Sample>,
    /// What to think of before believing it.
    pub(super) warnings: Vec<String>,
}

/// The shares of all that are told apart.
pub(super) const PERCENTILES: [f64; 8] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0];

/// Latencies in milliseconds, at each of the percentiles.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Spectra {
    pub(super) delivery: Vec<f64>,
    pub(super) acknowledgement: Vec<f64>,
    pub(super) connecting: Vec<f64>,
}

/// Times, counted from when something was due.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Latencies {
    /// Until a reader heard it.
    pub(super) delivery: Latency,
    /// Until the server said that it has it.
    pub(super) acknowledgement: Latency,
    /// Until the server knew a client that connected.
    pub(super) connecting: Latency,
    /// Until this program did it.
    pub(super) lag: Latency,
}

/// What each thing cost the server, where its processes were given; null otherwise, and where there
/// was no such thing.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Costs {
    pub(super) cpu_us_per_connection: Option<f64>,
    pub(super) cpu_us_per_subscription: Option<f64>,
    /// Of a client that was cut: it connects, enters and is told what it missed.
    pub(super) cpu_us_per_return: Option<f64>,
    pub(super) cpu_us_per_publication: Option<f64>,
    pub(super) cpu_us_per_delivery: Option<f64>,
    pub(super) rss_kib_per_connection: Option<f64>,
    /// Cores that the server was busy on while it was measured.
    pub(super) server_cores: Option<f64>,
    /// The same of this program.
    pub(super) own_cores: f64,
    pub(super) connections_per_second: Option<f64>,
    pub(super) returns_per_second: Option<f64>,
    pub(super) publications_per_second: Option<f64>,
    pub(super) deliveries_per_second: Option<f64>,
}

/// Which measurement it was.
pub(super) struct About<'a> {
    pub(super) scenario: &'static str,
    pub(super) protocol: Protocol,
    pub(super) url: &'a str,
}

/// The phases in which messages are measured, or their absence.
const MEASURED: [&str; 2] = ["traffic", "idle"];

impl Measurement {
    pub(super) fn of(about: About<'_>, field: &Field) -> Self {
        let (tally, meter) = (&field.world.tally, &field.meter);
        let latencies = meter.latencies();
        let phases = meter.phases();
        let mut measurement = Self {
            scenario: about.scenario,
            protocol: format!("{:?}", about.protocol).to_lowercase(),
            url: about.url.to_owned(),
            prefix: field.world.prefix.clone(),
            seconds: field.now().as_secs_f64(),
            costs: Costs::of(&phases),
            sent: tally.sent.get(),
            acknowledged: tally.acknowledged.get(),
            delivered: tally.delivered.get(),
            recovered: tally.recovered.get(),
            faults: field.faults.lock().expect("nobody panics while judging").clone(),
            connections: tally.connections.get(),
            reconnects: tally.reconnects.get(),
            cuts: tally.cuts.get(),
            unreachable: tally.unreachable.get(),
            refused: tally.all_refused(),
            closed: tally.all_closed(),
            latencies: Latencies {
                delivery: Latency::of(&latencies.delivery),
                acknowledgement: Latency::of(&latencies.acknowledgement),
                connecting: Latency::of(&latencies.connecting),
                lag: Latency::of(&latencies.lag),
            },
            percentiles_ms: Spectra {
                delivery: spectrum(&latencies.delivery),
                acknowledgement: spectrum(&latencies.acknowledgement),
                connecting: spectrum(&latencies.connecting),
            },
            phases,
            samples: meter.samples(),
            warnings: Vec::new(),
        };
        measurement.warnings = measurement.doubts();
        measurement
    }

    /// Whether everything arrived as it should, nobody was cut, and something happened.
    pub fn is_well(&self) -> bool {
        self.verdict() == WELL
    }

    pub(super) fn verdict(&self) -> &'static str {
        let is_heard = self.delivered + self.recovered + self.acknowledged > 0;
        match () {
            () if !self.faults.is_empty() => "THE DELIVERY WAS AT FAULT",
            () if self.cuts > 0 => "CONNECTIONS WERE CUT",
            () if self.scenario != "idle" && !is_heard => "NOBODY HEARD ANYTHING",
            () => WELL,
        }
    }

    /// How often what happened.
    pub(super) fn counts(&self) -> [(&'static str, u64); 10] {
        let faults = &self.faults;
        [
            ("sent", self.sent),
            ("acknowledged", self.acknowledged),
            ("delivered", self.delivered),
            ("recovered", self.recovered),
            ("lost", faults.lost),
            ("duplicated", faults.duplicated),
            ("out of order", faults.out_of_order),
            ("contradicted", faults.contradicted),
            ("reconnects", self.reconnects),
            ("cuts", self.cuts),
        ]
    }

    /// The same as a page with plots.
    pub fn page(&self) -> String {
        page::page(self)
    }

    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.costs.own_cores > 0.9 {
            let percent = self.costs.own_cores * 100.0;
            doubts.push(format!(
                "this program used {percent:.0} % of a core: it, and not the server, may be what was slow"
            ));
        }
        if self.latencies.lag.p99_ms > 5.0 {
            let lag = self.latencies.lag.p99_ms;
            doubts.push(format!(
                "one message in a hundred left {lag:.1} ms late or later: latencies hold that, too"
            ));
        }
        let refused: u64 = self.refused.values().sum();
        if refused + self.unreachable > 0 {
            let unreachable = self.unreachable;
            doubts.push(format!("{refused} refusals and {unreachable} attempts without an answer"));
        }
        doubts
    }
}

fn spectrum(histogram: &Histogram) -> Vec<f64> {
    let millis = |share| histogram.quantile(share).as_secs_f64() * 1000.0;
    let percentiles = PERCENTILES.iter().filter(|_| histogram.count() > 0);
    percentiles.map(|share| millis(*share)).collect()
}

const WELL: &str = "nothing was lost";

impl Costs {
    fn of(phases: &[Phase]) -> Self {
        let named = |names: &'static [&'static str]| {
            phases.iter().filter(move |phase| names.contains(&phase.name))
        };
        // Microseconds of the server's CPU, in phases of these names, for each of what is counted.
        let cost = |names, count: fn(&Phase) -> u64| {
            let cpu =
                named(names).map(|phase| Some(phase.server?.cpu.cpu_seconds)).sum::<Option<f64>>();
            let count: u64 = named(names).map(count).sum();
            cpu.filter(|_| count > 0).map(|cpu| cpu * 1e6 / count as f64)
        };
        let rate = |names, count: fn(&Phase) -> u64| {
            let seconds: f64 = named(names).map(|phase| phase.seconds).sum();
            let count: u64 = named(names).map(count).sum();
            (count > 0).then(|| count as f64 / seconds)
        };
        let cores = |of: fn(&Phase) -> Option<Spent>| {
            let seconds: f64 = named(&MEASURED).map(|phase| phase.seconds).sum();
            let cpu = named(&MEASURED).map(|phase| Some(of(phase)?.cpu.cpu_seconds));
            cpu.sum::<Option<f64>>().map(|cpu| cpu / seconds)
        };
        Self {
            cpu_us_per_connection: cost(&["connect"], |phase| phase.counts.connections),
            cpu_us_per_subscription: cost(&["subscribe"], |phase| phase.counts.subscriptions),
            cpu_us_per_return: cost(&["return"], |phase| phase.counts.subscriptions),
            cpu_us_per_publication: cost(&["traffic"], |phase| phase.counts.published),
            cpu_us_per_delivery: cost(&["traffic"], |phase| phase.counts.deliveries),
            rss_kib_per_connection: rss_kib_per_connection(phases),
            server_cores: cores(|phase| phase.server),
            own_cores: cores(|phase| Some(phase.own)).unwrap_or_default(),
            connections_per_second: rate(&["connect"], |phase| phase.counts.connections),
            returns_per_second: rate(&["return"], |phase| phase.counts.subscriptions),
            publications_per_second: rate(&["traffic"], |phase| phase.counts.published),
            deliveries_per_second: rate(&["traffic"], |phase| phase.counts.deliveries),
        }
    }
}

/// From before anybody connected until everybody had entered and a rest was over.
fn rss_kib_per_connection(phases: &[Phase]) -> Option<f64> {
    let at = phases.iter().position(|phase| phase.name == "connect")?;
    let before = phases[at].server?.rss_bytes_before;
    let rest = phases[at..].iter().find(|phase| phase.name == "rest")?;
    let grown = rest.server?.rss_bytes_after as f64 - before as f64;
    let connections = phases[at].counts.connections;
    (connections > 0).then(|| grown / 1024.0 / connections as f64)
}

impl Latencies {
    /// Each by name.
    pub(super) fn rows(&self) -> [(&'static str, &Latency); 4] {
        [
            ("until heard", &self.delivery),
            ("until acknowledged", &self.acknowledgement),
            ("until connected", &self.connecting),
            ("until sent from here", &self.lag),
        ]
    }
}

impl Costs {
    /// Name, value and unit of each.
    pub(super) fn rows(&self) -> [(&'static str, Option<f64>, &'static str); 12] {
        [
            ("server CPU per connection", self.cpu_us_per_connection, "µs"),
            ("server CPU per subscription", self.cpu_us_per_subscription, "µs"),
            ("server CPU per return", self.cpu_us_per_return, "µs"),
            ("server CPU per publication", self.cpu_us_per_publication, "µs"),
            ("server CPU per delivery", self.cpu_us_per_delivery, "µs"),
            ("server memory per connection", self.rss_kib_per_connection, "KiB"),
            ("server busy on", self.server_cores, "cores"),
            ("this program busy on", Some(self.own_cores), "cores"),
            ("connections", self.connections_per_second, "a second"),
            ("returns", self.returns_per_second, "a second"),
            ("publications", self.publications_per_second, "a second"),
            ("deliveries", self.deliveries_per_second, "a second"),
        ]
    }
}
