//! A running server in a directory of its own, as a process of its own.

use crate::child::{self, Recorder};
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// How long a server may take to start; much, for one that runs under a profiler.
const START_SECONDS: u64 = 60;

/// What the whole program is set to: what `child` sets too, and to end soon.
const PROGRAM_SETTINGS: [(&str, &str); 7] = [
    ("CAMPANILE_WEBSOCKET__PING_INTERVAL_SECONDS", "3600"),
    ("CAMPANILE_LIMITS__ENABLED", "false"),
    ("CAMPANILE_LIMITS__CONNECTIONS_PER_USER_MAX", "100000"),
    ("CAMPANILE_LIMITS__OUTBOX_BYTES_MAX", "16777216"),
    ("CAMPANILE_LOG__LEVEL", "info,campanile_server::message_handled=debug"),
    ("CAMPANILE_LOG__LOKI__FLUSH_DEADLINE", "0.1"),
    ("CAMPANILE_SERVER__DRAIN_SECONDS", "0.1"),
];

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Where it is scraped.
    pub(crate) metrics: SocketAddr,
    child: Child,
    _data: TempDir,
}

/// How a server is started.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) recorder: Recorder,
    /// Registers many series that are of no use, so that a scrape is large.
    pub(crate) ballast: bool,
    /// What it shares with others, and its name among them.
    pub(crate) shared: Option<(&'a Shared, &'a str)>,
    /// A program and its arguments that the server runs under.
    pub(crate) under: &'a [String],
}

/// What several servers share.
pub(crate) struct Shared {
    /// The URL of a PostgreSQL.
    pub(crate) store: String,
    /// The URL of a Redis.
    pub(crate) bus: String,
}

impl Server {
    pub(crate) async fn start(setup: Setup<'_>) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (address, metrics) = (free_address()?, free_address()?);
        let us = env::current_exe()?.display().to_string();
        let mut words = setup.under.iter().cloned().chain([us, "serve".to_owned()]);
        let mut command = Command::new(words.next().context("a program")?);
        command.args(words).args(child::Arguments {
            listen: address,
            metrics_port: metrics.port(),
            data_dir: data.path().to_owned(),
            recorder: setup.recorder,
            ballast: setup.ballast,
            store: setup.shared.map(|(shared, _)| shared.store.clone()),
            bus: setup.shared.map(|(shared, _)| shared.bus.clone()),
            node: setup.shared.map(|(_, name)| name.to_owned()),
        });
        Self::begin(&mut command, address, metrics, data).await
    }

    /// Starts the whole program, which logs each message that it handles, and ships its lines to
    /// the Loki at a URL, if there is one.
    pub(crate) async fn start_program(loki: Option<String>) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (address, metrics) = (free_address()?, free_address()?);
        let mut command = Command::new(env::current_exe()?);
        command.env_clear().envs(PROGRAM_SETTINGS).stdout(Stdio::null());
        command.envs(loki.map(|url| ("CAMPANILE_LOG__LOKI__URL", url)));
        command.args(["program", "--listen", &address.to_string()]);
        command.args(["--metrics-listen", &metrics.to_string(), "--data-dir"]).arg(data.path());
        Self::begin(&mut command, address, metrics, data).await
    }

    async fn begin(
        command: &mut Command,
        address: SocketAddr,
        metrics: SocketAddr,
        data: TempDir,
    ) -> Result<Self> {
        let child = command.spawn().context("cannot start a server")?;
        let server = Self { address, metrics, child, _data: data };
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS);
        while minreq::get(server.url("/readyz")).send().is_err_and(|_| Instant::now() < deadline) {
            sleep(Duration::from_millis(10)).await;
        }
        Ok(server)
    }

    /// Makes the one user, who is everybody; the token.
    pub(crate) fn sign_up(&self) -> Result<String> {
        let who = json!({"name": "load", "password": "correct horse"});
        self.post("/api/v1/users", &who, "")?;
        let answer = self.post("/api/v1/login", &who, "")?;
        Ok(answer["token"].as_str().context("a token")?.to_owned())
    }

    pub(crate) fn make_room(&self, name: &str, token: &str) -> Result<()> {
        self.post("/api/v1/rooms", &json!({"name": name, "kind": "public"}), token)?;
        Ok(())
    }

    /// The CPU time so far, in all threads, of user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        const TICKS_PER_SECOND: u64 = 100;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may have spaces; user and system time are the 12th and 13th
        // field after it.
        let (_, fields) = stat.rsplit_once(')').context("a name in parentheses")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn post(&self, path: &str, body: &Value, token: &str) -> Result<Value> {
        let answer = minreq::post(self.url(path))
            .with_header("Content-Type", "application/json")
            .with_header("Authorization", format!("Bearer {token}"))
            .with_body(body.to_string())
            .send()?;
        ensure!(answer.status_code < 300, "{path}: {}", answer.as_str()?);
        Ok(serde_json::from_slice(answer.as_bytes())?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A profiler writes what it has when it is asked to end.
        let _ended = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _reaped = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
