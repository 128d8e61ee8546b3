//! What is measured while a run goes on: latencies, phases, and a sample every second.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::Instant;

use super::process::{CpuSeconds, Pid, Processes, Reading};
use crate::histogram::Histogram;
use crate::stop::Phase as Stage;
use crate::tally::{Count, Tally};
use crate::world::World;

/// Everything that is measured. All clients of a run share it.
#[derive(Debug)]
pub(super) struct Meter {
    servers: Option<Mutex<Processes>>,
    own: Mutex<Processes>,
    /// Channels that were entered.
    pub(super) entries: Count,
    latencies: Mutex<Latencies>,
    /// Messages due before this are not measured; microseconds from the beginning of the run.
    from_micros: AtomicU64,
    begun: Mutex<Option<Begun>>,
    phases: Mutex<Vec<Phase>>,
    samples: Mutex<Vec<Sample>>,
}

/// Times that were taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    /// From when a message was due until a reader heard it.
    pub(super) delivery: Histogram,
    /// From when a message was due until the server said that it has it.
    pub(super) acknowledgement: Histogram,
    /// From when a connection was due until the server knew the client.
    pub(super) connecting: Histogram,
    /// From when something was due until this program did it: its own fault.
    pub(super) lag: Histogram,
    /// The same as the first two, since the last sample.
    heard_lately: Histogram,
    acknowledged_lately: Histogram,
}

/// A phase that is not over.
#[derive(Debug)]
struct Begun {
    name: &'static str,
    at: Instant,
    before: Snapshot,
}

/// A part of a run and what it used.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
    /// What happened in it.
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// What the server used; null without `--pid`.
    pub(super) server: Option<Spent>,
    /// What this program used.
    pub(super) own: Spent,
}

/// What processes used in a phase.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Spent {
    #[serde(flatten)]
    pub(super) cpu: CpuSeconds,
    pub(super) rss_bytes_before: u64,
    pub(super) rss_bytes_after: u64,
}

/// How much of everything.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) connections: u64,
    pub(super) subscriptions: u64,
    pub(super) published: u64,
    pub(super) deliveries: u64,
}

/// What was when a second was over.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    /// From the beginning of the run.
    pub(super) seconds: f64,
    /// Of what is going on.
    pub(super) phase: &'static str,
    /// Cores that the server was busy on; null without `--pid`.
    pub(super) server_cores: Option<f64>,
    pub(super) server_rss_bytes: Option<u64>,
    pub(super) own_cores: f64,
    /// Connections open.
    pub(super) open: u64,
    pub(super) published_per_second: f64,
    pub(super) deliveries_per_second: f64,
    /// Latencies of the second; null where nothing was measured.
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) max_ms: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Snapshot {
    at: Instant,
    server: Option<Reading>,
    own: Reading,
    counts: Counts,
}

/// How often there is a sample.
const EVERY: Duration = Duration::from_secs(1);

const POISONED: &str = "nobody panics while measuring";

impl Meter {
    /// Measures these processes, and its own.
    pub(super) fn new(pids: &[Pid]) -> Result<Self> {
        let servers = (!pids.is_empty()).then(|| Processes::of(pids)).transpose()?;
        Ok(Self {
            servers: servers.map(Mutex::new),
            own: Mutex::new(Processes::of(&[std::process::id()])?),
            entries: Count::default(),
            latencies: Mutex::default(),
            from_micros: AtomicU64::new(0),
            begun: Mutex::default(),
            phases: Mutex::default(),
            samples: Mutex::default(),
        })
    }

    /// A message that was due then was heard now; both from the beginning of the run.
    pub(super) fn heard(&self, due: Duration, now: Duration) {
        self.note(due, now, |latencies, late| {
            latencies.delivery.record(late);
            latencies.heard_lately.record(late);
        });
    }

    /// A message that was due then was acknowledged now.
    pub(super) fn acknowledged(&self, due: Duration, now: Duration) {
        self.note(due, now, |latencies, late| {
            latencies.acknowledgement.record(late);
            latencies.acknowledged_lately.record(late);
        });
    }

    /// Something that was due then was done now.
    pub(super) fn did(&self, due: Duration, now: Duration) {
        self.note(due, now, |latencies, late| latencies.lag.record(late));
    }

    /// A client came in so long after it was due.
    pub(super) fn connected(&self, after: Duration) {
        self.latencies.lock().expect(POISONED).connecting.record(after);
    }

    fn note(&self, due: Duration, now: Duration, record: impl FnOnce(&mut Latencies, Duration)) {
        if (due.as_micros() as u64) < self.from_micros.load(Ordering::Relaxed) {
            return;
        }
        record(&mut self.latencies.lock().expect(POISONED), now.saturating_sub(due));
    }

    /// Only what is due from now on is measured.
    pub(super) fn measure_from(&self, now: Duration) {
        self.from_micros.store(now.as_micros() as u64, Ordering::Relaxed);
        let connecting = self.latencies().connecting;
        *self.latencies.lock().expect(POISONED) = Latencies { connecting, ..Latencies::default() };
    }

    /// All times that were taken.
    pub(super) fn latencies(&self) -> Latencies {
        self.latencies.lock().expect(POISONED).clone()
    }

    /// Another phase begins, and the one before it is over.
    pub(super) fn begin(&self, name: &'static str, tally: &Tally) {
        let now = self.snapshot(tally);
        let begun = Begun { name, at: now.at, before: now };
        let before = self.begun.lock().expect(POISONED).replace(begun);
        self.close(before, &now);
    }

    /// The last phase is over.
    pub(super) fn end(&self, tally: &Tally) {
        let now = self.snapshot(tally);
        let before = self.begun.lock().expect(POISONED).take();
        self.close(before, &now);
    }

    fn close(&self, begun: Option<Begun>, now: &Snapshot) {
        if let Some(Begun { name, at, before }) = begun {
            let phase = Phase {
                name,
                seconds: (now.at - at).as_secs_f64(),
                counts: now.counts.since(&before.counts),
                server: before.server.zip(now.server).map(Spent::between),
                own: Spent::between((before.own, now.own)),
            };
            self.phases.lock().expect(POISONED).push(phase);
        }
    }

    /// The phase that is on, for how long, and what has happened in it.
    pub(super) fn current(&self, tally: &Tally) -> Option<(&'static str, Duration, Counts)> {
        let begun = self.begun.lock().expect(POISONED);
        let Begun { name, at, before } = begun.as_ref()?;
        Some((name, at.elapsed(), self.counts(tally).since(&before.counts)))
    }

    /// The phases that are over.
    pub(super) fn phases(&self) -> Vec<Phase> {
        self.phases.lock().expect(POISONED).clone()
    }

    /// What was, second by second.
    pub(super) fn samples(&self) -> Vec<Sample> {
        self.samples.lock().expect(POISONED).clone()
    }

    /// Takes samples until the run is over.
    pub(super) async fn sample(&self, world: &World) {
        let mut stop = world.stop.clone();
        let mut before = self.snapshot(&world.tally);
        while stop.sleep(EVERY, Stage::Over).await {
            let now = self.snapshot(&world.tally);
            let sample = self.sampled(world, &before, &now);
            self.samples.lock().expect(POISONED).push(sample);
            before = now;
        }
    }

    fn sampled(&self, world: &World, before: &Snapshot, now: &Snapshot) -> Sample {
        let seconds = (now.at - before.at).as_secs_f64();
        let cores = |(before, now): (Reading, Reading)| {
            (now.used - before.used).cpu.as_secs_f64() / seconds
        };
        let counts = now.counts.since(&before.counts);
        let lately = self.lately();
        let millis = |share: f64| {
            (lately.count() > 0).then(|| lately.quantile(share).as_secs_f64() * 1000.0)
        };
        let begun = self.begun.lock().expect(POISONED);
        Sample {
            seconds: world.run.elapsed().as_secs_f64(),
            phase: begun.as_ref().map_or("", |begun| begun.name),
            server_cores: before.server.zip(now.server).map(cores),
            server_rss_bytes: now.server.map(|reading| reading.resident_bytes),
            own_cores: cores((before.own, now.own)),
            open: world.tally.open.get(),
            published_per_second: counts.published as f64 / seconds,
            deliveries_per_second: counts.deliveries as f64 / seconds,
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
            max_ms: millis(1.0),
        }
    }

    /// Times since this was asked last: of deliveries, or of acknowledgements where nobody listens.
    fn lately(&self) -> Histogram {
        let mut latencies = self.latencies.lock().expect(POISONED);
        let Latencies { heard_lately, acknowledged_lately, .. } = &mut *latencies;
        let told = if heard_lately.count() > 0 { &*heard_lately } else { &*acknowledged_lately };
        let told = told.clone();
        heard_lately.clear();
        acknowledged_lately.clear();
        told
    }

    fn snapshot(&self, tally: &Tally) -> Snapshot {
        let read = |processes: &Mutex<Processes>| processes.lock().expect(POISONED).read();
        Snapshot {
            at: Instant::now(),
            server: self.servers.as_ref().map(read),
            own: read(&self.own),
            counts: self.counts(tally),
        }
    }

    fn counts(&self, tally: &Tally) -> Counts {
        Counts {
            connections: tally.connections.get(),
            subscriptions: self.entries.get(),
            published: tally.sent.get(),
            deliveries: tally.delivered.get() + tally.recovered.get(),
        }
    }
}

impl Counts {
    fn since(&self, before: &Self) -> Self {
        Self {
            connections: self.connections - before.connections,
            subscriptions: self.subscriptions - before.subscriptions,
            published: self.published - before.published,
            deliveries: self.deliveries - before.deliveries,
        }
    }
}

impl Spent {
    fn between((before, after): (Reading, Reading)) -> Self {
        Self {
            cpu: (after.used - before.used).into(),
            rss_bytes_before: before.resident_bytes,
            rss_bytes_after: after.resident_bytes,
        }
    }
}
