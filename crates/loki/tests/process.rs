//! What a process leaves behind that is killed, and what it does when its disk is full.

mod stand_in;

use campanile_loki::{Config, DropReason, Shipper, SpoolConfig};
use serde_json::{Value, json};
use stand_in::{StandIn, eventually};
use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// How a line of the child begins that is for its parent.
const MARK: &str = "child: ";

fn config(url: &str, spool: &Path) -> Config {
    let spool = SpoolConfig { directory: spool.to_owned(), bytes_max: 1 << 28 };
    Config {
        url: url.to_owned(),
        linger: Duration::from_millis(5),
        backoff_min: Duration::from_millis(5),
        backoff_max: Duration::from_millis(50),
        spool: Some(spool),
        ..Config::default()
    }
}

fn start(config: &Config) -> (Shipper, Dispatch) {
    let (layer, shipper) = config.start().expect("it starts");
    (shipper, Dispatch::new(tracing_subscriber::registry().with(layer)))
}

/// Logs so many lines, each of which is about as long as one of the server.
fn log(shipper: &Shipper, dispatch: &Dispatch, lines: u64) {
    tracing::dispatcher::with_default(dispatch, || {
        for line in 0..lines {
            tracing::info!(user = "ada", room = "hall", "line {line:05}");
            if line % 1_000 == 999 {
                eventually("there is room", || shipper.status().arriving == 0);
            }
        }
    });
    eventually("all have come", || shipper.status().arriving == 0);
}

/// Set in the process that the tests below start.
const CHILD: &str = "CAMPANILE_LOKI_CHILD";

/// Not a test but what the tests below run, in a process of its own: logs what it is asked to, says
/// where the lines are, and flushes when it is told.
#[test]
#[expect(clippy::disallowed_methods, reason = "what a test is for is no configuration")]
fn child() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let mut lines = std::io::stdin().lines().map(|line| line.expect("text"));
    let asked: Value = lines.next().expect("a line").parse().expect("JSON");
    let text = |key: &str| asked[key].as_str().expect("text").to_owned();
    let mut config = config(&text("url"), Path::new(&text("spool")));
    if asked["is_small"] == true {
        config.line_bytes_max = 1_024;
        config.request_bytes_max = 16_384;
        config.buffer_bytes_max = 16_384;
    }
    let (layer, shipper) = match config.start() {
        Ok(started) => started,
        Err(error) => return tell(&json!({"error": error.to_string()})),
    };
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    log(&shipper, &dispatch, asked["lines"].as_u64().expect("a number"));
    tell(&counts(&shipper));
    assert_eq!(lines.next().as_deref(), Some("flush"));
    shipper.flush(Duration::from_secs(60));
    tell(&counts(&shipper));
}

fn counts(shipper: &Shipper) -> Value {
    let status = shipper.status();
    assert!(status.is_balanced(), "{status:?}");
    let full = status.dropped(DropReason::BufferFull);
    json!({
        "accepted": status.accepted,
        "sent": status.sent,
        "queued": status.queued,
        "spooled": status.spooled,
        "full": full,
        "dropped": status.dropped_in_all(),
    })
}

fn tell(what: &Value) {
    // Past the test harness, which would keep it.
    writeln!(std::io::stdout(), "\n{MARK}{what}").expect("somebody reads");
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(command: &mut Command, asked: &Value) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        writeln!(input, "{asked}").expect("it reads");
        Self { child, input, output }
    }

    fn next(&mut self) -> Value {
        let mut lines = self.output.by_ref().map(|line| line.expect("text"));
        let told = lines.find_map(|line| line.strip_prefix(MARK).map(str::to_owned));
        told.expect("it tells something before it ends").parse().expect("JSON")
    }

    fn flush(mut self) -> Value {
        writeln!(self.input, "flush").expect("it reads");
        let told = self.next();
        // The harness has something to say, too, and minds if nobody reads it.
        self.output.by_ref().for_each(drop);
        assert!(self.child.wait().expect("it ends").success());
        told
    }
}

/// Whoever tells why it could not start is not waited for, and has nobody to tell more.
impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// This program, running `child`.
fn child_of(command: &str) -> Command {
    let itself = env::current_exe().expect("this program");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{command} exec \"$0\" --exact child --nocapture"));
    shell.arg(itself).env(CHILD, "1");
    shell
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn ten_thousand_lines_survive_being_killed() {
    let (loki, spool) = (StandIn::start(), directory());
    loki.go_down();
    let asked = json!({"url": loki.url(), "spool": spool.path(), "lines": 10_000});
    let mut process = Process::start(&mut child_of(""), &asked);
    let told = process.next();
    assert_eq!((&told["spooled"], &told["dropped"]), (&10_000.into(), &0.into()), "{told}");
    // This is SIGKILL.
    process.child.kill().expect("it runs");
    process.child.wait().expect("it ends");

    loki.come_up();
    let (shipper, _dispatch) = start(&config(&loki.url(), spool.path()));
    eventually("all is sent", || shipper.status().sent == 10_000);
    let status = shipper.status();
    assert_eq!((status.accepted, status.queued, status.spool_bytes), (10_000, 0, 0));
    let expected = (0..10_000).map(|line| format!("line {line:05}"));
    assert_eq!(loki.lock().messages(), expected.collect::<Vec<_>>());
}

#[test]
fn what_is_in_the_spool_outlives_a_flush_that_fails() {
    let (loki, spool) = (StandIn::start(), directory());
    loki.go_down();
    let (shipper, dispatch) = start(&config(&loki.url(), spool.path()));
    log(&shipper, &dispatch, 100);
    let report = shipper.flush(Duration::from_millis(50));
    assert_eq!((report.sent, report.dropped, report.kept), (0, 0, 100));
    assert!(shipper.status().is_balanced());
    drop((shipper, dispatch));
    loki.come_up();
    let (shipper, _dispatch) = start(&config(&loki.url(), spool.path()));
    shipper.flush(Duration::from_secs(60));
    assert_eq!(shipper.status().sent, 100);
}

/// The kernel refuses to make a file longer than so many times 512 bytes, as it refuses when the
/// disk is full.
fn full_after(blocks: usize) -> String {
    format!("trap '' XFSZ; ulimit -f {blocks};")
}

#[test]
fn memory_takes_the_place_of_a_full_disk() {
    let (loki, spool) = (StandIn::start(), directory());
    loki.go_down();
    let asked = json!({"url": loki.url(), "spool": spool.path(), "lines": 2_000});
    let mut process = Process::start(&mut child_of(&full_after(8)), &asked);
    let told = process.next();
    let spooled = told["spooled"].as_u64().expect("a number");
    assert_eq!((&told["queued"], &told["dropped"]), (&2_000.into(), &0.into()), "{told}");
    assert!(spooled < 2_000, "{told}");
    loki.come_up();
    let told = process.flush();
    assert_eq!((&told["sent"], &told["dropped"]), (&2_000.into(), &0.into()), "{told}");
    assert_eq!(loki.lock().entries.len(), 2_000);
}

#[test]
fn what_neither_disk_nor_memory_takes_is_counted() {
    let (loki, spool) = (StandIn::start(), directory());
    loki.go_down();
    let lines = 20_000;
    let asked = json!({"url": loki.url(), "spool": spool.path(), "lines": lines, "is_small": true});
    let mut process = Process::start(&mut child_of(&full_after(0)), &asked);
    let told = process.next();
    let (queued, full) = (told["queued"].as_u64(), told["full"].as_u64());
    assert_eq!(queued.zip(full).map(|(queued, full)| queued + full), Some(lines), "{told}");
    assert!(full > Some(0) && told["dropped"] == told["full"], "{told}");
    loki.come_up();
    let told = process.flush();
    let (sent, full) = (told["sent"].as_u64(), told["full"].as_u64());
    // What was on its way when it was told made no room then; it may have had to later.
    assert!(Some(0) < sent && sent <= queued, "{told}");
    assert_eq!(sent.zip(full).map(|(sent, full)| sent + full), Some(lines), "{told}");
    assert_eq!(Some(loki.lock().entries.len() as u64), sent);
}

#[test]
fn a_proxy_that_would_stand_before_the_relay_is_told() {
    let (loki, spool) = (StandIn::start(), directory());
    let asked = json!({"url": loki.url(), "spool": spool.path(), "lines": 1});
    let behind_a_proxy = || {
        let mut command = child_of("");
        command.env("http_proxy", "http://127.0.0.1:1");
        command
    };
    let told = Process::start(&mut behind_a_proxy(), &asked).next();
    let expected = "cannot ship logs through a proxy: set NO_PROXY=127.0.0.1";
    assert_eq!(told["error"], expected);
    let mut told = Process::start(behind_a_proxy().env("no_proxy", "127.0.0.1"), &asked);
    assert_eq!(told.next()["accepted"], 1);
    assert_eq!(told.flush()["sent"], 1);
}

#[test]
fn nobody_else_has_the_spool() {
    let (loki, spool) = (StandIn::start(), directory());
    let config = config(&loki.url(), spool.path());
    let (_shipper, _dispatch) = start(&config);
    let error = config.start().expect_err("it is in use");
    assert!(error.to_string().ends_with("is in use by another process"), "{error}");
}

#[test]
fn who_needs_no_authorities_of_the_system_does_without() {
    let (loki, spool) = (StandIn::start(), directory());
    let asked = |url: &str| json!({"url": url, "spool": spool.path(), "lines": 1});
    let without = || {
        let mut command = child_of("");
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nowhere");
        command
    };
    let mut process = Process::start(&mut without(), &asked(&loki.url()));
    assert_eq!(process.next()["accepted"], 1);
    assert_eq!(process.flush()["sent"], 1);
    let told = Process::start(&mut without(), &asked("https://loki.invalid")).next();
    let error = told["error"].as_str().expect("it cannot start");
    let expected = "cannot make a client for the log store: ";
    assert!(error.starts_with(expected) && error.contains("certificate"), "{error}");
}
