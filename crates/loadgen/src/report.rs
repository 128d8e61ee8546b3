//! The report of a run: what was done, what became of it, whether it was right.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::delivery::Faults;
use crate::histogram::Histogram;
use crate::world::World;

/// Everything that is told at the end. As JSON it has the names of these fields.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which traffic it was.
    pub scenario: &'static str,
    /// What its accounts and rooms are called.
    pub prefix: String,
    /// How long it took, with settling.
    pub seconds: f64,
    /// Messages sent, repeats not counted.
    pub sent: u64,
    /// Messages that the server said it has.
    pub acknowledged: u64,
    /// Messages sent once more.
    pub repeated: u64,
    /// Messages that were due and not sent, because too many waited.
    pub skipped: u64,
    /// Messages heard as they were said.
    pub delivered: u64,
    /// Messages heard afterwards.
    pub recovered: u64,
    /// What was wrong with the delivery.
    #[serde(flatten)]
    pub faults: Faults,
    /// Other requests over WebSockets.
    pub requests: u64,
    /// HTTP requests answered.
    pub answers: u64,
    /// Refusals by where and why.
    pub refused: BTreeMap<String, u64>,
    /// Answers that should have been others.
    pub surprises: u64,
    /// The first of them.
    pub surprising: Vec<String>,
    /// Connections opened.
    pub connections: u64,
    /// Connections opened again.
    pub reconnects: u64,
    /// Rooms entered with a place from which to go on.
    pub resumes: u64,
    /// Connections that were cut.
    pub cuts: u64,
    /// Closing codes of the server.
    pub closed: BTreeMap<String, u64>,
    /// Readers that did not read and were cut for it.
    pub slow_cut: u64,
    /// Attempts that reached nobody.
    pub unreachable: u64,
    /// From due to acknowledged.
    pub acknowledgement: Latency,
    /// From due to heard.
    pub delivery: Latency,
}

/// A histogram in a few numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// All but one in ten took no longer.
    pub p90_ms: f64,
    /// All but one in a hundred took no longer.
    pub p99_ms: f64,
    /// All but one in a thousand took no longer.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Report {
    /// What a world has seen.
    pub fn of(scenario: &'static str, world: &World, faults: Faults) -> Self {
        let tally = &world.tally;
        let (surprises, surprising) = tally.all_surprises();
        Self {
            scenario,
            prefix: world.prefix.clone(),
            seconds: world.run.elapsed().as_secs_f64(),
            sent: tally.sent.get(),
            acknowledged: tally.acknowledged.get(),
            repeated: tally.repeated.get(),
            skipped: tally.skipped.get(),
            delivered: tally.delivered.get(),
            recovered: tally.recovered.get(),
            faults,
            requests: tally.requests.get(),
            answers: tally.answers.get(),
            refused: tally.all_refused(),
            surprises,
            surprising,
            connections: tally.connections.get(),
            reconnects: tally.reconnects.get(),
            resumes: tally.resumes.get(),
            cuts: tally.cuts.get(),
            closed: tally.all_closed(),
            slow_cut: tally.slow_cut.get(),
            unreachable: tally.unreachable.get(),
            acknowledgement: Latency::of(&tally.acknowledgement()),
            delivery: Latency::of(&tally.delivery()),
        }
    }

    /// Whether every acknowledged message arrived as it should; where people talk, at least one.
    pub fn is_well(&self) -> bool {
        self.faults.is_empty() && !self.is_silent()
    }

    /// Whether nobody heard anything though it was for that that they came.
    fn is_silent(&self) -> bool {
        self.scenario == "steady" && self.delivered == 0
    }
}

impl Latency {
    /// Those of this one.
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let millis = |duration: Duration| (duration.as_secs_f64() * 100_000.0).round() / 100.0;
        Self {
            count: histogram.count(),
            p50_ms: millis(histogram.quantile(0.5)),
            p90_ms: millis(histogram.quantile(0.9)),
            p99_ms: millis(histogram.quantile(0.99)),
            p999_ms: millis(histogram.quantile(0.999)),
            max_ms: millis(histogram.max()),
        }
    }
}

impl fmt::Display for Report {
    /// As a table.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, prefix, seconds, faults, .. } = self;
        writeln!(formatter, "{scenario}, {seconds:.1} s, accounts and rooms {prefix}-…\n")?;
        for (name, count) in [
            ("sent", self.sent),
            ("acknowledged", self.acknowledged),
            ("repeated", self.repeated),
            ("skipped", self.skipped),
            ("delivered", self.delivered),
            ("recovered", self.recovered),
            ("lost", faults.lost),
            ("duplicated", faults.duplicated),
            ("out of order", faults.out_of_order),
            ("contradicted", faults.contradicted),
            ("other requests", self.requests),
            ("HTTP answers", self.answers),
            ("connections", self.connections),
            ("reconnects", self.reconnects),
            ("resumes", self.resumes),
            ("cuts", self.cuts),
            ("slow readers cut", self.slow_cut),
            ("reached nobody", self.unreachable),
            ("surprises", self.surprises),
        ] {
            writeln!(formatter, "  {name:<24} {count:>10}")?;
        }
        writeln!(formatter, "\n  latency in ms                 p50        p99        max")?;
        for (name, latency) in
            [("until acknowledged", self.acknowledgement), ("until heard", self.delivery)]
        {
            let Latency { p50_ms, p99_ms, max_ms, .. } = latency;
            writeln!(formatter, "  {name:<20} {p50_ms:>12.2} {p99_ms:>10.2} {max_ms:>10.2}")?;
        }
        let lists = [("refused", &self.refused), ("closed by the server", &self.closed)];
        for (title, counts) in lists.iter().filter(|(_, counts)| !counts.is_empty()) {
            writeln!(formatter, "\n  {title}")?;
            for (code, count) in *counts {
                writeln!(formatter, "    {code:<30} {count:>10}")?;
            }
        }
        let lists = [("faults", &faults.named), ("surprises", &self.surprising)];
        for (title, texts) in lists.iter().filter(|(_, texts)| !texts.is_empty()) {
            writeln!(formatter, "\n  the first {title}")?;
            for text in *texts {
                writeln!(formatter, "    {text}")?;
            }
        }
        let verdict = match (self.faults.is_empty(), self.is_silent()) {
            (false, _) => "THE DELIVERY WAS AT FAULT",
            (true, true) => "NOBODY HEARD ANYTHING",
            (true, false) => "nothing was lost",
        };
        write!(formatter, "\n  {verdict}")
    }
}
