//! Whatever the log store does, lines wait within the bounds, and each is somewhere. One test for
//! each row of the README's table; those that need a process of their own are in `process.rs`.

mod stand_in;

use campanile_loki::{Config, DropReason, PushStatus, Shipper, Status};
use stand_in::{Manner, StandIn, Tls, eventually, lines::log_as_a_server};
use std::{
    collections::HashSet,
    fs,
    ops::Range,
    time::{Duration, Instant},
};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

const LINES: u64 = 300;

/// How much longer than its deadline a flush may take: what it waits for the shipper's thread to say
/// that it has ended, and a second of a busy machine.
const FLUSH_LATE_MAX: Duration = Duration::from_millis(1_250);

/// Settings whose waits are short.
fn config(url: String) -> Config {
    Config {
        url,
        linger: Duration::from_millis(2),
        backoff_min: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        // Longer than any test, unless it is about that.
        request_timeout: Duration::from_secs(120),
        ..Config::default()
    }
}

struct Logging {
    shipper: Shipper,
    dispatch: Dispatch,
}

fn start(config: &Config) -> Logging {
    let (layer, shipper) = config.start().expect("it starts");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    Logging { shipper, dispatch }
}

impl Logging {
    fn log(&self, lines: u64) {
        tracing::dispatcher::with_default(&self.dispatch, || {
            (0..lines).for_each(|line| tracing::info!("line {line:05}"));
        });
    }

    /// Lines of usual length, in which ids do not repeat themselves.
    fn log_as_a_server(&self, lines: Range<u64>) {
        tracing::dispatcher::with_default(&self.dispatch, || lines.for_each(log_as_a_server));
    }

    fn eventually(&self, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
        eventually(what, || {
            let status = self.shipper.status();
            assert!(status.is_balanced(), "{status:?}");
            is_so(&status)
        });
        self.shipper.status()
    }

    /// The log store is well again: everything arrives.
    fn all_arrives(&self, loki: &StandIn, lines: u64) {
        self.eventually("all is sent", |status| status.sent == lines);
        let status = self.shipper.status();
        assert_eq!((status.queued, status.dropped_in_all()), (0, 0), "{status:?}");
        assert_eq!(status.trouble, None);
        let mut messages: Vec<_> = loki.lock().messages();
        messages.sort_unstable();
        assert_eq!(messages, (0..lines).map(|l| format!("line {l:05}")).collect::<Vec<_>>());
    }
}

/// Lines wait while the log store is ill, and arrive when it is well.
fn outage(manner: Manner, status: PushStatus, said: &str) {
    let loki = StandIn::start();
    let logging = start(&config(loki.url()));
    loki.behave(manner);
    logging.log(LINES);
    let ill = logging.eventually("it is tried again and again", |s| s.requests(status) > 3);
    assert_eq!((ill.queued, ill.sent, ill.dropped_in_all()), (LINES, 0, 0));
    assert!(ill.retries >= 3 && ill.oldest.is_some(), "{ill:?}");
    let trouble = ill.trouble.expect("something is wrong");
    assert!(trouble.contains(said), "{trouble}");
    loki.behave(Manner::Loki);
    logging.all_arrives(&loki, LINES);
}

#[test]
fn down() {
    let loki = StandIn::start();
    let logging = start(&config(loki.url()));
    loki.go_down();
    logging.log(LINES);
    let ill = logging.eventually("it is tried", |s| s.requests(PushStatus::Network) > 3);
    assert_eq!((ill.queued, ill.sent, ill.dropped_in_all()), (LINES, 0, 0));
    assert!(ill.trouble.expect("it is down").contains("refused"));
    loki.come_up();
    logging.all_arrives(&loki, LINES);
}

#[test]
fn slow() {
    let loki = StandIn::start();
    let logging = start(&config(loki.url()));
    loki.behave(Manner::Slow(Duration::from_millis(50)));
    logging.log(LINES);
    logging.all_arrives(&loki, LINES);
    assert_eq!(logging.shipper.status().retries, 0);
}

#[test]
fn stalled() {
    let loki = StandIn::start();
    let request_timeout = Duration::from_millis(100);
    let logging = start(&Config { request_timeout, ..config(loki.url()) });
    loki.behave(Manner::Stall);
    logging.log(LINES);
    let ill = logging.eventually("time-outs", |s| s.requests(PushStatus::Network) > 1);
    assert_eq!((ill.queued, ill.sent, ill.dropped_in_all()), (LINES, 0, 0));
    assert_eq!(ill.trouble.as_deref(), Some("it does not answer in time"));
    loki.behave(Manner::Loki);
    // On a busy machine even a good answer can come too late, and its lines twice.
    logging.eventually("all is sent", |status| status.sent == LINES);
    assert_eq!(logging.shipper.status().dropped_in_all(), 0);
}

#[test]
fn stalled_at_the_end() {
    let loki = StandIn::start();
    let logging = start(&config(loki.url()));
    loki.behave(Manner::Stall);
    logging.log(LINES);
    loki.wait_for("a push", |seen| seen.pushes == 1);
    let (deadline, started) = (Duration::from_millis(100), Instant::now());
    let report = logging.shipper.flush(deadline);
    let took = started.elapsed();
    // The push would be given up after two minutes.
    assert!(took >= deadline && took < deadline + FLUSH_LATE_MAX, "it took {took:?}");
    assert_eq!((report.sent, report.dropped, report.kept), (0, LINES, 0));
    let status = logging.shipper.status();
    assert_eq!((status.dropped(DropReason::Shutdown), status.queued), (LINES, 0));
    assert!(status.is_balanced(), "{status:?}");
}

#[test]
fn too_many_requests() {
    outage(Manner::Answer(429, "ingestion rate limit"), PushStatus::TooMany, "429");
}

#[test]
fn too_many_requests_with_a_time_to_wait() {
    outage(Manner::AnswerWith(429, "retry-after", "3600"), PushStatus::TooMany, "429");
}

#[test]
fn server_error() {
    outage(Manner::Answer(500, "at least 2 live replicas"), PushStatus::Failed, "live replicas");
}

#[test]
fn closed_connections() {
    outage(Manner::Close, PushStatus::Network, "");
}

#[test]
fn a_redirection_is_not_followed() {
    outage(Manner::AnswerWith(302, "location", "/login"), PushStatus::Network, "302");
}

#[test]
fn closed_connections_whose_lines_were_taken() {
    let loki = StandIn::start();
    let logging = start(&config(loki.url()));
    loki.behave(Manner::TakeAndClose);
    logging.log(LINES);
    loki.wait_for("it is tried again", |seen| seen.pushes > 2);
    loki.behave(Manner::Loki);
    logging.eventually("all is sent", |status| status.sent == LINES);
    // They came more than once: the same line at the same time, which Loki keeps once.
    let mut messages = loki.lock().messages();
    assert!(messages.len() as u64 > LINES);
    messages.sort_unstable();
    messages.dedup();
    assert_eq!(messages.len() as u64, LINES);
}

#[test]
fn refused_for_good() {
    let loki = StandIn::start();
    let logging = start(&config(loki.url()));
    loki.behave(Manner::Answer(400, "entry too far behind"));
    logging.log(LINES);
    let refused =
        logging.eventually("all is refused", |s| s.dropped(DropReason::Rejected) == LINES);
    assert_eq!((refused.queued, refused.sent, refused.retries), (0, 0, 0));
    let trouble = refused.trouble.expect("something is wrong");
    assert_eq!(trouble, "it answers 400 Bad Request: entry too far behind");
    loki.behave(Manner::Loki);
    logging.log(LINES);
    let well = logging.eventually("the next are sent", |status| status.sent == LINES);
    assert_eq!((well.dropped_in_all(), well.trouble), (LINES, None));
}

#[test]
fn no_such_name() {
    let logging = start(&Config {
        request_timeout: Duration::from_millis(200),
        ..config("http://loki.invalid:3100".to_owned())
    });
    logging.log(LINES);
    let ill = logging.eventually("it is tried", |s| s.requests(PushStatus::Network) > 1);
    assert_eq!((ill.queued, ill.sent, ill.dropped_in_all()), (LINES, 0, 0));
    let report = logging.shipper.flush(Duration::from_millis(10));
    assert_eq!((report.sent, report.dropped), (0, LINES));
}

#[test]
fn a_certificate_that_is_wrong() {
    let directory = tempfile::tempdir().expect("a directory");
    let ca = |tls: &Tls| {
        let file = directory.path().join("ca.pem");
        fs::write(&file, &tls.authority).expect("there is room");
        Some(file)
    };
    let (good, other) = (Tls::for_name("127.0.0.1"), Tls::for_name("loki.example"));
    for (what, tls, ca) in [
        ("nobody vouches for it", &good, None),
        ("another one vouches for it", &good, ca(&other)),
        ("it is for another name", &other, ca(&other)),
    ] {
        let loki = StandIn::start_with(tls);
        let logging = start(&Config { ca, ..config(loki.url()) });
        logging.log(LINES);
        let ill = logging.eventually("it is tried", |s| s.requests(PushStatus::Network) > 1);
        assert_eq!((ill.queued, ill.sent, ill.dropped_in_all()), (LINES, 0, 0), "{what}");
        assert!(ill.trouble.expect(what).contains("certificate"), "{what}");
        assert_eq!(loki.lock().pushes, 0, "{what}");
    }
    let loki = StandIn::start_with(&good);
    let logging = start(&Config { ca: ca(&good), ..config(loki.url()) });
    logging.log(LINES);
    logging.all_arrives(&loki, LINES);
}

/// Ten minutes of a server that logs 200 lines a second, as fast as a test may.
#[test]
fn an_outage_of_ten_minutes_fits_the_bounds_that_nobody_set() {
    const OUTAGE_LINES: u64 = 600 * 200;
    /// A third of what is on the way to the queue at most: that is another bound.
    const AT_ONCE: u64 = 10_000;
    let loki = StandIn::start();
    // The bounds are the usual ones; only the last wait is shorter.
    let bounds =
        Config { url: loki.url(), backoff_max: Duration::from_secs(1), ..Config::default() };
    let logging = start(&bounds);
    loki.go_down();
    for first in (0..OUTAGE_LINES).step_by(AT_ONCE as usize) {
        logging.log_as_a_server(first..first + AT_ONCE);
        logging.eventually("all have come", |status| status.arriving == 0);
    }
    let away = logging.shipper.status();
    assert_eq!((away.queued, away.sent, away.dropped_in_all()), (OUTAGE_LINES, 0, 0), "{away:?}");
    let bytes_max = bounds.buffer_bytes_max as u64;
    assert!(away.memory_bytes > 0 && away.memory_bytes <= bytes_max, "{away:?}");
    assert!(away.requests(PushStatus::Network) > 0 && away.spooled == 0, "{away:?}");
    loki.come_up();
    let back = logging.eventually("all is sent", |status| status.sent == OUTAGE_LINES);
    assert_eq!((back.queued, back.dropped_in_all()), (0, 0), "{back:?}");
    let seen = loki.lock();
    let traces: HashSet<String> = seen.entries.iter().map(|entry| entry.trace()).collect();
    assert_eq!((traces.len(), seen.entries.len()), (120_000, 120_000), "each is there once");
    assert_eq!(seen.complaint, None);
}

#[test]
fn an_outage_that_is_longer_than_the_bound_keeps_the_newest() {
    let loki = StandIn::start();
    let bounds = Config { buffer_entries_max: 100, ..config(loki.url()) };
    let logging = start(&bounds);
    loki.go_down();
    for _ in 0..10 {
        logging.log(100);
        logging.eventually("all have come", |status| status.arriving == 0);
    }
    let full = logging.shipper.status();
    assert!(full.queued <= 100 && full.dropped(DropReason::BufferFull) >= 900, "{full:?}");
    loki.come_up();
    logging.eventually("the rest is sent", |status| status.queued == 0);
    let status = logging.shipper.status();
    assert_eq!(status.sent + status.dropped(DropReason::BufferFull), 1_000);
    let entries = &loki.lock().entries;
    assert_eq!(entries.last().map(|entry| entry.message()).as_deref(), Some("line 00099"));
}
