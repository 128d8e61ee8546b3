//! A Loki for tests: the protocol and the rules of the real one, and every way to fail.

#![allow(dead_code, reason = "each program that has one uses a part of it")]

pub(crate) mod lines;
mod rules;
mod server;

pub(crate) use server::Tls;

use rules::{Entry, Rules};
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long anything may take on a busy machine before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it does with a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Manner {
    /// As Loki does.
    #[default]
    Loki,
    /// Accepts everything, and only counts.
    Count,
    /// Reads it, and answers so.
    Answer(u16, &'static str),
    /// The same, with a header.
    AnswerWith(u16, &'static str, &'static str),
    /// As Loki does, after a while.
    Slow(Duration),
    /// Never answers.
    Stall,
    /// Takes the lines, and closes the connection without an answer.
    TakeAndClose,
    /// Closes the connection without an answer.
    Close,
}

/// A Loki in this process.
pub(crate) struct StandIn {
    address: String,
    shared: Arc<Shared>,
    is_listening: watch::Sender<bool>,
}

/// What it saw.
#[derive(Default)]
pub(crate) struct Seen {
    manner: Manner,
    rules: Rules,
    /// Lines it accepted, in the order in which they came.
    pub(crate) entries: Vec<Entry>,
    /// How many lines it accepted.
    pub(crate) lines: u64,
    /// Pushes it read.
    pub(crate) pushes: usize,
    /// Pushes it accepted.
    pub(crate) accepted: usize,
    /// Bytes of the largest push.
    pub(crate) push_bytes_max: usize,
    /// Connections it took.
    pub(crate) connections: usize,
    /// Headers of the last push.
    pub(crate) headers: BTreeMap<String, String>,
    /// What it said last to a push that broke a rule.
    pub(crate) complaint: Option<String>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl StandIn {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        Self::begin(None)
    }

    /// The same, with TLS.
    pub(crate) fn start_with(tls: &Tls) -> Self {
        Self::begin(Some(tls))
    }

    fn begin(tls: Option<&Tls>) -> Self {
        let shared = Arc::<Shared>::default();
        let (is_listening, listening) = watch::channel(true);
        let address = server::start(Arc::clone(&shared), listening, tls.map(Tls::acceptor));
        let scheme = if tls.is_some() { "https" } else { "http" };
        Self { address: format!("{scheme}://{address}"), shared, is_listening }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.address.clone()
    }

    /// What it does from now on.
    pub(crate) fn behave(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    /// Closes its port and all connections.
    pub(crate) fn go_down(&self) {
        self.is_listening.send_replace(false);
        self.wait_for("it is down", |_| self.is_port_closed());
    }

    /// Opens its port again.
    pub(crate) fn come_up(&self) {
        self.is_listening.send_replace(true);
    }

    /// What it saw so far.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().expect("no test panics with it")
    }

    /// Waits until it has seen something.
    pub(crate) fn wait_for(&self, what: &str, is_seen: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.lock();
        while !is_seen(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not in time: {what}; {}", seen.told());
            let waited = self.shared.changed.wait_timeout(seen, left.min(PATIENCE / 1_000));
            seen = waited.expect("no test panics with it").0;
        }
    }

    fn is_port_closed(&self) -> bool {
        let address = self.address.rsplit('/').next().expect("an address");
        std::net::TcpStream::connect(address).is_err()
    }
}

impl Seen {
    /// The text of each line that has a text, in the order of their times.
    pub(crate) fn messages(&self) -> Vec<String> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.time);
        entries.iter().map(|entry| entry.message()).collect()
    }

    fn told(&self) -> String {
        let Self { pushes, accepted, lines, complaint, .. } = self;
        format!("{pushes} pushes, {accepted} accepted, {lines} lines, {complaint:?}")
    }
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
