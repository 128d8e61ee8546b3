//! Readings: what monitoring sees, read again by the program itself.
//!
//! The numbers of the operator's page and of `campanile top` are those of the metrics, not of a
//! second count that could say something else.

use campanile_exporter_prometheus::{Format, Naming, Store};
use campanile_metrics::Registry;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Of what the last minute is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// Messages, from accepted to written.
    Delivery,
    /// Signals between nodes, from published to received.
    Bus,
    /// Connections to the store, from needed to had.
    PoolWait,
}

impl Timed {
    const ALL: [Self; 3] = [Self::Delivery, Self::Bus, Self::PoolWait];

    fn series(self) -> &'static str {
        match self {
            Self::Delivery => "chat_message_delivery_latency_seconds_bucket",
            Self::Bus => "chat_broker_pubsub_lag_seconds_bucket",
            Self::PoolWait => "chat_storage_pool_wait_duration_seconds_bucket",
        }
    }
}

/// A metric that every program with a catalogue has, and no other.
const MARK: &str = "metrics_series_max";

/// How often buckets are kept, and for how long.
const EVERY: Duration = Duration::from_secs(2);
const KEPT: Duration = Duration::from_secs(60);

/// The values of all series at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    samples: Vec<Sample>,
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// Cumulative counts by upper bound.
pub type Buckets = Vec<(f64, f64)>;

/// The metrics of this process.
pub struct Readings {
    registry: Registry,
    store: Arc<Store>,
    kept: Mutex<VecDeque<(Instant, [Buckets; Timed::ALL.len()])>>,
}

impl Readings {
    /// Reads what the registry records into the store.
    pub fn new(registry: Registry, store: Arc<Store>) -> Self {
        Self { registry, store, kept: Mutex::default() }
    }

    /// Everything, as it is now.
    pub async fn now(self: &Arc<Self>) -> Reading {
        let readings = self.clone();
        // Collectors read files and all series are rendered: not on a worker.
        let read = tokio::task::spawn_blocking(move || {
            readings.registry.refresh();
            readings.read()
        });
        read.await.unwrap_or_default()
    }

    /// How long this share of them took at most within the minute before a reading.
    pub fn quantile(&self, reading: &Reading, timed: Timed, quantile: f64) -> Option<f64> {
        let now = reading.buckets(timed.series(), &[]);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.front().map(|(_, buckets)| &buckets[timed as usize]);
        let since: Buckets = now
            .into_iter()
            .enumerate()
            .map(|(place, (bound, count))| {
                let earlier = before.and_then(|buckets| buckets.get(place));
                (bound, count - earlier.map_or(0.0, |(_, count)| *count))
            })
            .collect();
        quantile_of(&since, quantile)
    }

    /// Keeps the buckets of the last minute; for the server to spawn.
    pub async fn keep(&self) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            let reading = self.read();
            let buckets = Timed::ALL.map(|timed| reading.buckets(timed.series(), &[]));
            let now = Instant::now();
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back((now, buckets));
            while kept.front().is_some_and(|(at, _)| now - *at > KEPT) {
                kept.pop_front();
            }
        }
    }

    fn read(&self) -> Reading {
        Reading::of(&self.store.render(Format::Text, &Naming::declared()).text)
    }
}

impl Reading {
    /// Reads an exposition. Lines that are none are left out.
    pub fn of(exposition: &str) -> Self {
        let lines = exposition.lines().filter(|line| !line.starts_with('#'));
        Self { samples: lines.filter_map(sample).collect() }
    }

    /// The same under the names that are declared, whatever prefix the endpoint shows.
    pub fn declared(mut self) -> Self {
        let known = self.samples.iter().find_map(|sample| sample.name.strip_suffix(MARK));
        let Some(prefix) = known.map(str::to_owned) else { return self };
        for sample in &mut self.samples {
            if let Some(rest) = sample.name.strip_prefix(&prefix)
                && !sample.name.starts_with("process_")
            {
                sample.name = format!("{}{rest}", Naming::DECLARED_PREFIX);
            }
        }
        self
    }

    /// Whether it is of a program with a catalogue like ours.
    pub fn is_ours(&self) -> bool {
        self.samples.iter().any(|sample| sample.name.ends_with(MARK))
    }

    /// The value of a label of the first series of a name.
    pub fn label(&self, name: &str, label: &str) -> Option<&str> {
        let series = self.samples.iter().find(|sample| sample.name == name)?;
        series.labels.iter().find(|(key, _)| key == label).map(|(_, value)| value.as_str())
    }

    /// Every series.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The sum over the series of a name that have these labels among theirs.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.sum_where(name, |own| has_all(own, labels))
    }

    /// The sum over the series of a name whose labels are as wanted.
    pub fn sum_where(&self, name: &str, wanted: impl Fn(&[(String, String)]) -> bool) -> f64 {
        let series = self.samples.iter().filter(|sample| sample.name == name);
        series.filter(|sample| wanted(&sample.labels)).map(|sample| sample.value).sum()
    }

    /// The same as a whole number.
    pub fn whole(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        // Counters are whole and far below what a float holds exactly; a gauge may be infinite.
        self.sum(name, labels) as u64
    }

    /// Whether a series of a name that has these labels among its own has a value.
    pub fn has(&self, name: &str, labels: &[(&str, &str)], value: f64) -> bool {
        let mut series = self.samples.iter().filter(|sample| sample.name == name);
        series.any(|sample| sample.value == value && has_all(&sample.labels, labels))
    }

    /// The buckets of a histogram, added up over the series that have these labels among theirs.
    pub fn buckets(&self, name: &str, labels: &[(&str, &str)]) -> Buckets {
        let mut buckets = Buckets::new();
        let series = self.samples.iter().filter(|sample| sample.name == name);
        for sample in series.filter(|sample| has_all(&sample.labels, labels)) {
            let bound = sample.labels.iter().find(|(key, _)| key == "le");
            let Some(bound) = bound.and_then(|(_, bound)| number(bound)) else { continue };
            match buckets.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, count)) => *count += sample.value,
                None => buckets.push((bound, sample.value)),
            }
        }
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        buckets
    }
}

/// The bound below which so large a part of the observations lies, guessed within its bucket as
/// Prometheus does; `None` without any.
pub fn quantile_of(buckets: &Buckets, quantile: f64) -> Option<f64> {
    let (_, total) = *buckets.last()?;
    if total <= 0.0 {
        return None;
    }
    let rank = quantile * total;
    let place = buckets.iter().position(|(_, count)| *count >= rank)?;
    let (lower, below) = match place.checked_sub(1) {
        Some(before) => buckets[before],
        None => (0.0, 0.0),
    };
    let (upper, count) = buckets[place];
    if upper.is_infinite() {
        return Some(lower);
    }
    Some(lower + (upper - lower) * (rank - below) / (count - below).max(f64::MIN_POSITIVE))
}

fn has_all(own: &[(String, String)], wanted: &[(&str, &str)]) -> bool {
    let has = |(key, value): &(&str, &str)| own.iter().any(|(k, v)| k == key && v == value);
    wanted.iter().all(has)
}

/// Reads `name{key="value",…} number`.
fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((key.to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = number(rest.split_ascii_whitespace().next()?)?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => value.push(match characters.next()? {
                (_, 'n') => '\n',
                (_, other) => other,
            }),
            plain => value.push(plain),
        }
    }
    None
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        plain => plain.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_total As.\n# TYPE a_total counter\n\
        a_total{way=\"in\",kind=\"x\\\"y\"} 3\na_total{way=\"out\",kind=\"z\"} 4\nb 1.5\n\
        not a line at all\n\
        h_bucket{le=\"0.1\"} 5\nh_bucket{le=\"1\"} 9\nh_bucket{le=\"+Inf\"} 10\n";

    #[test]
    fn series_are_added_up_by_labels() {
        let reading = Reading::of(TEXT);
        assert_eq!(reading.sum("a_total", &[]), 7.0);
        assert_eq!(reading.sum("a_total", &[("way", "out")]), 4.0);
        assert_eq!(reading.sum("a_total", &[("kind", "x\"y")]), 3.0);
        assert_eq!(reading.sum("absent", &[]), 0.0);
        assert_eq!(reading.sum("b", &[]), 1.5);
        assert!(reading.has("a_total", &[("way", "in")], 3.0));
        assert!(!reading.has("a_total", &[("way", "in")], 4.0));
        assert!(!reading.has("absent", &[], 0.0), "what is not there has no value");
    }

    #[test]
    fn another_prefix_is_seen_through() {
        let text = "talk_metrics_series_max 9\ntalk_x_total 2\nprocess_open_fds 3\n";
        let reading = Reading::of(text).declared();
        assert_eq!(reading.sum("chat_x_total", &[]), 2.0);
        assert_eq!(reading.sum("process_open_fds", &[]), 3.0);
        let bare = Reading::of("metrics_series_max 9\nx_total 2\nprocess_threads 3\n").declared();
        assert_eq!(bare.sum("chat_x_total", &[]), 2.0);
        assert_eq!(bare.sum("process_threads", &[]), 3.0);
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let buckets = Reading::of(TEXT).buckets("h_bucket", &[]);
        assert_eq!(quantile_of(&buckets, 0.5), Some(0.1));
        assert_eq!(quantile_of(&buckets, 0.25), Some(0.05));
        assert_eq!(quantile_of(&buckets, 0.99), Some(1.0), "the last bound that is a number");
        assert_eq!(quantile_of(&vec![(1.0, 0.0)], 0.5), None);
        assert_eq!(quantile_of(&Vec::new(), 0.5), None);
    }
}
