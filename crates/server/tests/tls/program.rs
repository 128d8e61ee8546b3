//! The real program as a child process, whose log tells where it listens.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Lines that the program may be ahead of its reader.
const LINES: usize = 1_024;

/// A certificate and its key, in two files.
pub(crate) struct Identity {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// The files of this name in a directory.
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let file = |end| directory.join(format!("{name}.{end}"));
        Self { cert: file("crt"), key: file("key") }
    }

    /// Makes a certificate that is valid from one year to another; its bytes.
    pub(crate) fn write(&self, from: i32, until: i32) -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        fs::write(&self.cert, cert.pem()).expect("written");
        fs::write(&self.key, key.serialize_pem()).expect("written");
        cert
    }
}

/// The program, with everything it writes in this directory.
pub(crate) fn command(directory: &Path, tls: Option<&Identity>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    command
        .current_dir(directory)
        .args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--data-dir", "data"])
        .env("CAMPANILE_LIMITS__ENABLED", "false")
        .env("CAMPANILE_SERVER__DRAIN_SECONDS", "0");
    if let Some(tls) = tls {
        command.env("CAMPANILE_SERVER__TLS__CERT", &tls.cert);
        command.env("CAMPANILE_SERVER__TLS__KEY", &tls.key);
    }
    command
}

/// Runs it where it cannot start, until it has said why.
pub(crate) fn refusal(mut command: Command) -> Output {
    command.output().expect("the program starts")
}

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    log: Receiver<Value>,
    metrics: String,
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    /// What it logged until it served.
    pub(crate) first_lines: Vec<Value>,
}

impl Program {
    /// Starts it and waits until it serves.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, log) = sync_channel(LINES);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("each line is an object");
                let Ok(()) = sender.send(line) else { return };
            }
        });
        let mut program = Self {
            child,
            log,
            metrics: String::new(),
            url: String::new(),
            address: ([0; 4], 0).into(),
            first_lines: Vec::new(),
        };
        program.first_lines = program.logged("serving");
        let text = |message: &str, field: &str| {
            let mut lines = program.first_lines.iter();
            let line = lines.find(|line| line["message"] == message).expect("it is told");
            line[field].as_str().expect("text").to_owned()
        };
        (program.metrics, program.url) = (text("metrics", "endpoint"), text("serving", "url"));
        let (_scheme, address) = program.url.split_once("://").expect("a URL");
        program.address = address.parse().expect("an address");
        program
    }

    /// Waits for a line with this message; all up to it.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        let mut lines: Vec<Value> = Vec::new();
        while lines.last().is_none_or(|line| line["message"] != message) {
            let line = self.log.recv_timeout(DEADLINE);
            lines.push(line.unwrap_or_else(|_| panic!("{message:?} is not told after {lines:?}")));
        }
        lines
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits until it has ended by itself; how, and how long that took.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return (status, since.elapsed());
            }
            assert!(since.elapsed() < DEADLINE, "it does not end");
            thread::yield_now();
        }
    }

    /// What monitoring sees.
    pub(crate) fn scrape(&self) -> String {
        let answer = minreq::get(&self.metrics).send().expect("an answer");
        answer.as_str().expect("text").to_owned()
    }

    /// The value of one series, if there is one.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let text = self.scrape();
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(value.parse().expect("a number"))
    }

    /// How many handshakes went well, and how many did not.
    pub(crate) fn handshakes(&self) -> [f64; 2] {
        ["ok", "error"].map(|result| {
            let series = format!("chat_tls_handshakes_total{{result=\"{result}\"}}");
            self.value(&series).expect("it is counted")
        })
    }

    /// Waits until something that is scraped is as it should be.
    pub(crate) fn eventually<T: PartialEq + std::fmt::Debug>(
        &self,
        look: impl Fn(&Self) -> T,
        wanted: &T,
    ) {
        let since = Instant::now();
        loop {
            let seen = look(self);
            if seen == *wanted {
                return;
            }
            assert!(since.elapsed() < DEADLINE, "{seen:?}, not {wanted:?}");
            thread::yield_now();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
