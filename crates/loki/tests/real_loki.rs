//! What is shipped is in a real Loki, the one of `CAMPANILE_TEST_LOKI_URL`, as it was logged.

use campanile_loki::{Config, DropReason, LokiLayer, PushStatus, Shipper, SpoolConfig};
use loki_api::{
    logproto::{EntryAdapter, PushRequest, StreamAdapter},
    prost::Message,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// How long Loki may take until what it took can be asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What some reader takes for the end of a line, or for an order.
const NASTY: &str =
    "a\nb\r\n\0\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\\\"ä👍 {} {{.x}} |= `";

/// Lines of one test, which are told from those of others by the label `instance`.
struct Logging {
    loki: String,
    instance: String,
    shipper: Shipper,
    dispatch: Dispatch,
}

/// A line as Loki has it.
#[derive(Debug)]
struct Kept {
    nanoseconds: u128,
    labels: BTreeMap<String, String>,
    line: String,
}

fn start(change: impl FnOnce(&mut Config)) -> Logging {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let loki = given_url();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let instance = format!("test-{}-{}-{number}", process::id(), since_epoch(now()).as_nanos());
    let mut config = Config {
        url: loki.clone(),
        instance: instance.clone(),
        linger: Duration::from_millis(20),
        ..Config::default()
    };
    change(&mut config);
    let (layer, shipper): (LokiLayer, _) = config.start().expect("it starts");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    Logging { loki, instance, shipper, dispatch }
}

#[expect(clippy::disallowed_methods, reason = "where a test finds its server is no configuration")]
fn given_url() -> String {
    env::var("CAMPANILE_TEST_LOKI_URL").expect("CAMPANILE_TEST_LOKI_URL says where it is")
}

impl Logging {
    fn log(&self, log: impl FnOnce()) {
        tracing::dispatcher::with_default(&self.dispatch, log);
    }

    /// Everything was sent, and this is what Loki has of it, oldest first.
    fn kept(&self, lines: usize) -> Vec<Kept> {
        let report = self.shipper.flush(PATIENCE);
        let status = self.shipper.status();
        assert!(status.is_balanced(), "{status:?}");
        assert_eq!((status.sent, report.dropped, report.kept), (lines as u64, 0, 0), "{status:?}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let kept = self.ask(&format!("{{instance=\"{}\"}}", self.instance));
            if kept.len() >= lines || Instant::now() > deadline {
                assert_eq!(kept.len(), lines, "nothing is lost, and nothing doubled");
                return kept;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// What Loki answers to an expression, over the last hour.
    fn ask(&self, query: &str) -> Vec<Kept> {
        let to = since_epoch(now()) + Duration::from_secs(60);
        let from = to.saturating_sub(Duration::from_secs(3_600));
        let (to, from) = (to.as_nanos(), from.as_nanos());
        let path = format!(
            "/loki/api/v1/query_range?limit=5000&direction=forward&start={from}&end={to}&query={}",
            encoded(query)
        );
        let answer: Value = serde_json::from_str(&get(&self.loki, &path)).expect("JSON");
        assert_eq!(answer["status"], "success", "{answer}");
        let mut kept = Vec::new();
        for stream in answer["data"]["result"].as_array().expect("streams") {
            let labels = stream["stream"].as_object().expect("labels").iter();
            let labels = labels.map(|(name, value)| (name.clone(), text(value)));
            let labels: BTreeMap<_, _> = labels.collect();
            for value in stream["values"].as_array().expect("values") {
                let nanoseconds = text(&value[0]).parse().expect("a number");
                kept.push(Kept { nanoseconds, labels: labels.clone(), line: text(&value[1]) });
            }
        }
        // Stable: what Loki has at one time stays in its order.
        kept.sort_by_key(|kept| kept.nanoseconds);
        kept
    }
}

impl Kept {
    fn field(&self, name: &str) -> Value {
        let line: Value = serde_json::from_str(&self.line).expect("a JSON line");
        line[name].clone()
    }
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_has_every_line_once_with_its_labels_fields_and_time() {
    let logging = start(|config| {
        config.service = "chat \"one\" \\ ü".to_owned();
        config.env = "test".to_owned();
    });
    let before = since_epoch(now()).as_nanos();
    logging.log(|| {
        tracing::error!(field = NASTY, "one");
        tracing::warn!(field = 2.5, "two");
        tracing::info!(field = -3, "three");
        tracing::debug!(field = true, "four");
        let span = tracing::info_span!("request", user = "ada");
        span.in_scope(|| tracing::trace!("five"));
    });
    let kept = logging.kept(5);
    let after = since_epoch(now()).as_nanos();
    let told = kept.iter().map(|kept| [text(&kept.field("message")), kept.labels["level"].clone()]);
    let expected = [
        ["one", "error"],
        ["two", "warn"],
        ["three", "info"],
        ["four", "debug"],
        ["five", "trace"],
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    for kept in &kept {
        assert!((before..=after).contains(&kept.nanoseconds), "{kept:?}");
        let labels = &kept.labels;
        assert_eq!(
            ["job", "env", "service", "instance"].map(|label| labels[label].as_str()),
            ["chat-server", "test", "chat \"one\" \\ ü", logging.instance.as_str()]
        );
        assert!(!kept.line.chars().any(char::is_control), "{kept:?}");
    }
    let fields = kept.iter().map(|kept| kept.field("field")).collect::<Vec<_>>();
    assert_eq!(fields, [NASTY.into(), 2.5.into(), (-3).into(), true.into(), Value::Null]);
    assert_eq!(kept[4].field("user"), "ada");
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_has_long_lines_and_strange_ones_whole() {
    let logging = start(|_| {});
    let long = "ä".repeat(120_000);
    let all: String = (0..=0xffff).filter_map(char::from_u32).collect();
    let parts: Vec<&str> = (0..16).map(|part| piece(&all, part, 16)).collect();
    logging.log(|| {
        tracing::info!(field = long.as_str(), "long");
        parts.iter().for_each(|part| tracing::info!(field = *part, "strange"));
        tracing::info!(field = "", "");
    });
    let kept = logging.kept(18);
    assert_eq!(kept[0].field("field"), long);
    for (kept, part) in kept[1..17].iter().zip(&parts) {
        assert!(kept.field("field") == **part, "{kept:?}");
    }
    assert_eq!((kept[17].field("field"), kept[17].field("message")), ("".into(), "".into()));
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_has_many_lines_in_the_order_in_which_they_were_logged() {
    let logging = start(|_| {});
    logging.log(|| {
        for line in 0..5_000 {
            tracing::info!(line, "line");
        }
    });
    let kept = logging.kept(5_000);
    let lines: Vec<_> = kept.iter().map(|kept| kept.field("line").as_u64()).collect();
    assert_eq!(lines, (0..5_000).map(Some).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_takes_lines_of_a_tenant_and_can_be_asked_with_logql() {
    let logging = start(|config| config.tenant = Some("fake".to_owned()));
    logging.log(|| {
        for (event, count) in
            [("authentication_failed", 1), ("authentication_failed", 41), ("other", 1)]
        {
            tracing::warn!(event, auth_result = "failure", count, "authentication failed");
        }
    });
    logging.kept(3);
    let query = format!(
        "{{instance=\"{}\"}} |= \"auth_result\" | json | event=\"authentication_failed\" | count > 1",
        logging.instance
    );
    let found = logging.ask(&query);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].field("count"), 41);
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_refuses_what_is_too_long_and_goes_on() {
    // More than it takes in one line; the shipper would not send it, were it not told otherwise.
    let logging = start(|config| {
        config.line_bytes_max = 600 * 1024;
        config.request_bytes_max = 2 * 1024 * 1024;
    });
    logging.log(|| tracing::info!(field = "x".repeat(300 * 1024), "long"));
    eventually("it is refused", || logging.shipper.status().dropped(DropReason::Rejected) == 1);
    let refused = logging.shipper.status();
    assert_eq!((refused.requests(PushStatus::Refused), refused.retries), (1, 0), "{refused:?}");
    let trouble = refused.trouble.expect("it says why");
    assert!(
        trouble.contains("400") && trouble.to_lowercase().contains("max entry size"),
        "{trouble}"
    );
    logging.log(|| tracing::info!("short"));
    eventually("the next is sent", || logging.shipper.status().sent == 1);
    assert!(logging.shipper.status().is_balanced());
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_refuses_what_is_too_old_and_keeps_the_rest_of_its_push() {
    let spool = tempfile::tempdir().expect("a directory");
    let day = Duration::from_secs(24 * 3_600);
    let instance = format!("old-{}", since_epoch(now()).as_nanos());
    let lines = [(now() - 8 * day, "old"), (now(), "fresh")];
    fs::write(spool.path().join(format!("{:020}.segment", 0)), segment(&instance, &lines))
        .expect("there is room");
    let logging = start(|config| {
        config.age_max = 30 * day;
        let directory = spool.path().to_owned();
        config.spool = Some(SpoolConfig { directory, bytes_max: 1 << 20 });
    });
    eventually("it is refused", || logging.shipper.status().dropped(DropReason::Rejected) == 2);
    let trouble = logging.shipper.status().trouble.expect("it says why");
    assert!(trouble.contains("400") && trouble.contains("too old"), "{trouble}");
    let kept = logging.ask(&format!("{{instance=\"{instance}\"}}"));
    assert_eq!(kept.iter().map(|kept| kept.field("message")).collect::<Vec<_>>(), ["fresh"]);
}

#[test]
#[ignore = "needs a Loki: CAMPANILE_TEST_LOKI_URL"]
fn a_real_loki_has_once_what_was_sent_twice() {
    let spool = tempfile::tempdir().expect("a directory");
    let instance = format!("twice-{}", since_epoch(now()).as_nanos());
    let lines = [(now(), "one"), (now(), "other")];
    for number in 0..2 {
        fs::write(spool.path().join(format!("{number:020}.segment")), segment(&instance, &lines))
            .expect("there is room");
    }
    let logging = start(|config| {
        let directory = spool.path().to_owned();
        config.spool = Some(SpoolConfig { directory, bytes_max: 1 << 20 });
    });
    eventually("both are sent", || logging.shipper.status().sent == 4);
    let kept = logging.ask(&format!("{{instance=\"{instance}\"}}"));
    assert_eq!(kept.iter().map(|kept| kept.field("message")).collect::<Vec<_>>(), ["one", "other"]);
}

/// What the spool has of lines: one record, with its length and checksum.
fn segment(instance: &str, lines: &[(SystemTime, &str)]) -> Vec<u8> {
    let entry = |&(time, message): &(SystemTime, &str)| EntryAdapter {
        timestamp: Some(time.into()),
        line: serde_json::json!({ "message": message }).to_string(),
    };
    let labels = format!("{{instance=\"{instance}\"}}");
    let stream = StreamAdapter { labels, entries: lines.iter().map(entry).collect(), hash: 0 };
    let push = PushRequest { streams: vec![stream] }.encode_to_vec();
    let push = snap::raw::Encoder::new().compress_vec(&push).expect("it is short");
    let length = u32::try_from(push.len()).expect("it is short");
    [&length.to_le_bytes()[..], &crc32fast::hash(&push).to_le_bytes(), &push].concat()
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// One of so many parts of a text.
fn piece(text: &str, part: usize, parts: usize) -> &str {
    let place = |part: usize| text.floor_char_boundary(text.len() * part / parts);
    &text[place(part)..place(part + 1)]
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[expect(clippy::disallowed_methods, reason = "Loki is asked for the lines of the last hour")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).expect("a time of today")
}

/// A query as a part of a URL.
fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The body of an answer, which is read to its end.
fn get(url: &str, path: &str) -> String {
    let host = url.strip_prefix("http://").expect("a Loki without TLS").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("it is there");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.contains(" 200 "), "{answer}");
    body.to_owned()
}
