//! The scrape endpoint over real sockets: what it answers, to whom, and what it counts.

mod client;

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use campanile_exporter_prometheus::{BasicAuth, BindError, Config, Prometheus, Secret, Tls};
use campanile_metrics::testing::Probe;
use campanile_metrics::{Exporter, Registry, RunningExporter, catalogue};
use client::{Response, Scraper};

catalogue! {
    /// What happens in these tests.
    pub struct Tests {
        /// Things that happened.
        counter happened() = "chat_happened_total";
        /// Collections so far.
        gauge collections() = "chat_collections";
    }
}

/// A running endpoint.
struct Endpoint {
    running: Box<dyn RunningExporter>,
    registry: Registry,
    tests: Tests,
    scraper: Scraper,
}

fn start(config: Config) -> Endpoint {
    let exporter = Config { port: 0, ..config }.bind().expect("a free port");
    let scraper = Scraper::at(exporter.address());
    let registry = Registry::builder().exporter(&exporter).build();
    let tests = Tests::register(&registry);
    let collections = AtomicU64::new(0);
    let gauge = tests.collections.handle();
    registry.add_collector(move || {
        gauge.set(collections.fetch_add(1, Ordering::Relaxed) + 1);
    });
    let running = Box::new(exporter).start(&registry).expect("it starts");
    Endpoint { running, registry, tests, scraper }
}

impl Endpoint {
    fn get(&self, headers: &[(&str, &str)]) -> Response {
        self.scraper.request("GET", "/metrics", headers)
    }

    fn probe(&self) -> Probe {
        self.scraper.probe()
    }

    fn denied(&self, reason: &str) -> Option<f64> {
        self.probe().value("chat_metrics_scrapes_denied_total", &[("reason", reason)])
    }
}

const OPENMETRICS: (&str, &str) = ("Accept", "application/openmetrics-text;version=1.0.0");

#[test]
fn each_format_is_answered_to_who_asks_for_it() {
    let endpoint = start(Config::default());
    let text = endpoint.get(&[]);
    assert_eq!(text.status, 200);
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(text.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(text.header("cache-control"), Some("no-store"));
    assert!(text.text().contains("# TYPE chat_happened_total counter\nchat_happened_total 0\n"));
    assert!(!text.text().contains("# EOF"));

    let newer = endpoint.get(&[OPENMETRICS]);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(newer.header("content-type"), Some(kind));
    assert!(newer.text().contains("# TYPE chat_happened counter\n"));
    assert!(newer.text().ends_with("\n# EOF\n"));
}

#[test]
fn a_scrape_shows_what_happened_before_it_and_runs_the_collectors() {
    let endpoint = start(Config::default());
    for happened in 1..=20 {
        endpoint.tests.happened.increment();
        let probe = endpoint.probe();
        assert_eq!(probe.value("chat_happened_total", &[]), Some(f64::from(happened)));
        assert_eq!(probe.value("chat_collections", &[]), Some(f64::from(happened)));
    }
}

#[test]
fn compressed_answers_hold_the_same() {
    let endpoint = start(Config::default());
    let packed = endpoint.get(&[OPENMETRICS, ("Accept-Encoding", "gzip, deflate")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.header("vary"), Some("Accept, Accept-Encoding"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_string(&mut text).expect("gzip");
    assert!(text.ends_with("# EOF\n"));
    assert!(packed.body.len() < text.len() / 2, "{} of {}", packed.body.len(), text.len());

    let plain = endpoint.get(&[("Accept-Encoding", "gzip;q=0")]);
    assert_eq!(plain.header("content-encoding"), None);
    let without = start(Config { gzip: false, ..Config::default() });
    let answer = without.get(&[("Accept-Encoding", "gzip")]);
    assert_eq!(answer.header("content-encoding"), None);
    assert!(answer.text().contains("chat_happened_total 0\n"));
}

#[test]
fn the_endpoint_tells_of_its_own_work() {
    let endpoint = start(Config::default());
    let first = endpoint.get(&[]);
    endpoint.get(&[OPENMETRICS]);
    let probe = endpoint.probe();
    let text = [("format", "text_0_0_4")];
    let newer = [("format", "openmetrics_1_0_0")];
    assert_eq!(probe.value("chat_metrics_scrapes_total", &text), Some(1.0));
    assert_eq!(probe.value("chat_metrics_scrapes_total", &newer), Some(1.0));
    assert_eq!(probe.value("chat_metrics_scrape_duration_seconds_count", &newer), Some(1.0));
    assert_eq!(probe.value("chat_metrics_scrape_size_bytes", &text), Some(first.body.len() as f64));
    assert_eq!(probe.value("chat_metrics_series", &[]), Some(probe.series() as f64));
    assert_eq!(probe.value("chat_metrics_exporter_up", &[("exporter", "prometheus")]), Some(1.0));
    assert!(probe.value("chat_metrics_series_max", &[]) >= Some(probe.series() as f64));
    for reason in ["address", "host", "token", "path", "method", "rate"] {
        let labels = [("reason", reason)];
        assert_eq!(probe.value("chat_metrics_scrapes_denied_total", &labels), Some(0.0));
    }
}

#[test]
fn another_prefix_is_served_from_the_first_scrape() {
    let endpoint = start(Config { prefix: "talk_".to_owned(), ..Config::default() });
    let text = endpoint.get(&[]).text();
    assert!(text.contains("talk_happened_total 0\n"));
    assert!(!text.contains("chat_"));
}

#[test]
fn there_is_metrics_and_nothing_else_and_it_is_only_read() {
    let endpoint = start(Config::default());
    assert_eq!(endpoint.scraper.request("GET", "/", &[]).status, 404);
    assert_eq!(endpoint.scraper.request("GET", "/metrics/", &[]).status, 404);
    let posted = endpoint.scraper.request("POST", "/metrics", &[]);
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    let asked = endpoint.scraper.request("GET", "/metrics?format=prometheus", &[]);
    assert_eq!(asked.status, 200);
    let head = endpoint.scraper.request("HEAD", "/metrics", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    let length: usize =
        head.header("content-length").and_then(|text| text.parse().ok()).expect("sent");
    assert!(length > 100);
    assert_eq!(endpoint.denied("path"), Some(2.0));
    assert_eq!(endpoint.denied("method"), Some(1.0));
}

#[test]
fn strangers_are_refused_and_counted() {
    let nobody = start(Config {
        allow_ips: vec!["192.0.2.7".parse().expect("an address")],
        trusted_proxies: vec!["127.0.0.1".parse().expect("a network")],
        ..Config::default()
    });
    let stranger = nobody.get(&[]);
    assert_eq!((stranger.status, stranger.header("connection")), (403, Some("close")));
    assert!(!stranger.text().contains("chat_"));
    let spoofed = nobody.get(&[("X-Forwarded-For", "192.0.2.7, 203.0.113.9")]);
    assert_eq!(spoofed.status, 403);
    let through = nobody.get(&[("X-Forwarded-For", "203.0.113.9, 192.0.2.7")]);
    let labels = [("reason", "address")];
    let probe = Probe::of(&through.text());
    assert_eq!(probe.value("chat_metrics_scrapes_denied_total", &labels), Some(2.0));

    let direct = start(Config::default());
    let claimed = direct.scraper.from("127.0.0.2").request(
        "GET",
        "/metrics",
        &[("X-Forwarded-For", "127.0.0.1")],
    );
    assert_eq!(claimed.status, 403);
    assert_eq!(direct.denied("address"), Some(1.0));
}

#[test]
fn a_foreign_name_is_refused() {
    let endpoint = start(Config::default());
    let rebound = endpoint.get(&[("Host", "evil.example:9601")]);
    assert_eq!(rebound.status, 403);
    assert_eq!(endpoint.get(&[("Host", "localhost:9601")]).status, 200);
    assert_eq!(endpoint.denied("host"), Some(1.0));
}

#[test]
fn credentials_are_asked_for_and_checked() {
    let endpoint = start(Config {
        bearer_token: Some(Secret("letmein".to_owned())),
        basic_auth: Some(BasicAuth {
            user: "prometheus".to_owned(),
            password: Secret("bell".to_owned()),
        }),
        ..Config::default()
    });
    let asked = endpoint.get(&[]);
    assert_eq!(asked.status, 401);
    let challenges = asked.headers_named("www-authenticate");
    assert_eq!(challenges, ["Bearer realm=\"metrics\"", "Basic realm=\"metrics\""]);
    assert_eq!(endpoint.get(&[("Authorization", "Bearer wrong")]).status, 401);
    let basic = endpoint.get(&[("Authorization", "Basic cHJvbWV0aGV1czpiZWxs")]);
    assert_eq!(basic.status, 200);
    let bearer = endpoint.get(&[("Authorization", "Bearer letmein")]);
    let labels = [("reason", "token")];
    let probe = Probe::of(&bearer.text());
    assert_eq!(probe.value("chat_metrics_scrapes_denied_total", &labels), Some(2.0));
}

#[test]
fn https_is_served_with_the_given_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let endpoint = start(Config { tls: Some(Tls { cert, key }), ..Config::default() });
    let answer = endpoint.scraper.over_tls(made.cert.der().clone(), &[OPENMETRICS]);
    assert_eq!(answer.status, 200);
    assert!(answer.text().ends_with("# EOF\n"));
}

#[test]
fn many_scrapes_at_once_are_answered_from_few_collections() {
    let endpoint = start(Config::default());
    let (release, hold) = held(&endpoint.registry);
    let scraper = &endpoint.scraper;
    let answers: Vec<Probe> = std::thread::scope(|scope| {
        let scrapes: Vec<_> = (0..16).map(|_| scope.spawn(|| scraper.probe())).collect();
        hold.recv_timeout(Duration::from_secs(30)).expect("a scrape has begun");
        scraper.wait_for_connections(16);
        endpoint.tests.happened.increment();
        drop(release);
        scrapes.into_iter().map(|scrape| scrape.join().expect("answered")).collect()
    });
    let collections = |probe: &Probe| probe.value("chat_collections", &[]).expect("declared");
    let most = answers.iter().map(collections).fold(0.0, f64::max);
    assert!(most <= 3.0, "16 scrapes took {most} collections");
    for later in answers.iter().filter(|probe| collections(probe) > 1.0) {
        assert_eq!(later.value("chat_happened_total", &[]), Some(1.0));
    }
}

#[test]
fn too_many_scrapes_at_once_are_refused() {
    let endpoint = start(Config::default());
    let (release, hold) = held(&endpoint.registry);
    let scraper = &endpoint.scraper;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let scrape = || scraper.request("GET", "/metrics", &[]).status;
        let scrapes: Vec<_> = (0..40).map(|_| scope.spawn(scrape)).collect();
        hold.recv_timeout(Duration::from_secs(30)).expect("a scrape has begun");
        let deadline = Instant::now() + Duration::from_secs(30);
        while scrapes.iter().filter(|scrape| scrape.is_finished()).count() < 8 {
            assert!(Instant::now() < deadline, "nobody was refused");
            std::thread::yield_now();
        }
        drop(release);
        scrapes.into_iter().map(|scrape| scrape.join().expect("answered")).collect()
    });
    let with = |status| statuses.iter().filter(|answered| **answered == status).count();
    assert_eq!((with(200), with(429)), (32, 8));
    assert_eq!(endpoint.denied("rate"), Some(8.0));
}

/// A collector that says when it runs, and then waits until the sender is dropped.
fn held(registry: &Registry) -> (SyncSender<()>, Receiver<()>) {
    let (release, released) = sync_channel::<()>(0);
    let (entered, hold) = sync_channel(64);
    let released = Mutex::new(released);
    registry.add_collector(move || {
        // Nobody may be listening any more.
        let _ = entered.try_send(());
        let released = released.lock().expect("no collector panics");
        let _ = released.recv();
    });
    (release, hold)
}

#[test]
fn a_collector_that_panics_costs_one_scrape_and_is_counted() {
    let endpoint = start(Config::default());
    let broken = Arc::new(AtomicU64::new(1));
    let breaks = Arc::clone(&broken);
    endpoint.registry.add_collector(move || {
        assert_eq!(breaks.load(Ordering::Relaxed), 0, "this collector is broken");
    });
    assert_eq!(endpoint.get(&[]).status, 500);
    broken.store(0, Ordering::Relaxed);
    let labels = [("exporter", "prometheus"), ("reason", "other")];
    let errors = endpoint.probe().value("chat_metrics_exporter_errors_total", &labels);
    assert_eq!(errors, Some(1.0));
}

#[test]
fn stopping_ends_the_threads_and_frees_the_port() {
    let endpoint = start(Config::default());
    let address = endpoint.scraper.address;
    endpoint.get(&[]);
    runtime().block_on(endpoint.running.stop());
    assert!(std::net::TcpStream::connect(address).is_err());
    TcpListener::bind(address).expect("the port is free again");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn the_endpoint_says_where_it_is() {
    let exporter = Config { port: 0, ..Config::default() }.bind().expect("a free port");
    let endpoint = format!("http://127.0.0.1:{}/metrics", exporter.address().port());
    assert_eq!((exporter.name(), exporter.endpoint()), ("prometheus", endpoint));
}

/// What the operator reads when a configuration cannot be used.
#[track_caller]
fn refusal(config: Config) -> String {
    let refused = config.bind().map(|exporter: Prometheus| exporter.endpoint());
    let error: BindError = refused.expect_err("it cannot be used");
    let message = error.to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn mistakes_are_told_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let message = refusal(Config { port, ..Config::default() });
    let start = format!("cannot listen on 127.0.0.1:{port} for metrics: ");
    assert!(message.starts_with(&start) && message.contains("in use"), "{message}");

    let message = refusal(Config { prefix: "9-".to_owned(), ..Config::default() });
    assert!(message.contains("\"9-\""), "{message}");

    let empty = Some(Secret(String::new()));
    let message = refusal(Config { bearer_token: empty, ..Config::default() });
    assert_eq!(message, "cannot protect metrics with an empty bearer_token");

    let missing = Tls { cert: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
    let message = refusal(Config { tls: Some(missing), ..Config::default() });
    assert!(message.starts_with("cannot use /nowhere/cert.pem to serve metrics: "), "{message}");
}
