//! The nodes, and what they share.

use campanile_metrics::testing::Probe;
use campanile_neighbours::{Postgres, Program, Redis, free_port, until};
use minreq::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};
use tempfile::TempDir;

/// How long a node may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Nodes over a database and a Redis of their own.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) redis: Redis,
    pub(crate) postgres: Postgres,
    _directory: TempDir,
}

/// One node: the program, which may be killed and started again in the same place.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
    directory: PathBuf,
    settings: Vec<(String, String)>,
    program: Option<Program>,
}

impl Cluster {
    /// Starts so many nodes at once, over an empty database and without rate limits.
    pub(crate) fn start(nodes: usize) -> Self {
        Self::start_with(nodes, &[])
    }

    /// The same with further variables in the nodes' environment.
    pub(crate) fn start_with(nodes: usize, settings: &[(&str, &str)]) -> Self {
        Self::start_from(nodes, settings, "")
    }

    /// The same with a file of settings.
    pub(crate) fn start_from(nodes: usize, settings: &[(&str, &str)], file: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (postgres, redis) = (Postgres::start(), Redis::start());
        let database = postgres.create_database("chat");
        let (url, count) = (redis.url(), nodes.to_string());
        let shared = [
            ("CAMPANILE_STORE__URL", database.as_str()),
            ("CAMPANILE_BUS__URL", &url),
            ("CAMPANILE_CLUSTER__NODES", &count),
            ("CAMPANILE_LIMITS__ENABLED", "false"),
            ("CAMPANILE_SERVER__DRAIN_SECONDS", "0.3"),
        ];
        let settings: Vec<_> = shared.iter().chain(settings).copied().collect();
        let mut nodes: Vec<_> =
            (0..nodes).map(|number| Node::new(number, directory.path(), &settings)).collect();
        nodes.iter().for_each(|node| node.configure(file));
        nodes.iter_mut().for_each(Node::launch);
        nodes.iter_mut().for_each(Node::await_ready);
        Self { nodes, redis, postgres, _directory: directory }
    }

    /// Where people come in.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// Makes an account at the first node; its token.
    pub(crate) fn user(&self, name: &str) -> String {
        let who = json!({"name": name, "password": PASSWORD});
        self.nodes[0].ask(Method::Post, "/api/v1/users", Some(who), "").expect(201);
        self.nodes[0].log_in(name)
    }

    /// Makes a public room at the first node.
    pub(crate) fn room(&self, name: &str, token: &str) {
        let room = json!({"name": name, "kind": "public"});
        self.nodes[0].ask(Method::Post, "/api/v1/rooms", Some(room), token).expect(201);
    }

    /// Every message of a room, by what a node reads.
    pub(crate) fn history(&self, node: usize, room: &str, token: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let path = format!("/api/v1/rooms/{room}/messages?after={}&limit=200", messages.len());
            let page = self.nodes[node].ask(Method::Get, &path, None, token).expect(200);
            messages.extend(page["messages"].as_array().expect("a list").iter().cloned());
            if page["has_more"] != true {
                return messages;
            }
        }
    }
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Node {
    fn new(number: usize, directory: &Path, settings: &[(&str, &str)]) -> Self {
        let address = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let name = format!("node-{number}");
        let mut settings: Vec<_> =
            settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        settings.push(("CAMPANILE_CLUSTER__NODE".into(), name.clone()));
        let directory = directory.join(&name);
        Self { address: address(), metrics: address(), directory, settings, program: None }
    }

    /// Writes its file of settings, for its next start.
    pub(crate) fn configure(&self, file: &str) {
        std::fs::create_dir_all(&self.directory).expect("a directory");
        std::fs::write(self.directory.join("campanile.toml"), file).expect("it is written");
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn start(&mut self) {
        self.launch();
        self.await_ready();
    }

    fn launch(&mut self) {
        std::fs::create_dir_all(&self.directory).expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
        command.env_clear().envs(self.settings.iter().cloned()).current_dir(&self.directory);
        command.args(["--listen", &self.address.to_string()]);
        command.args(["--metrics-listen", &self.metrics.to_string(), "--data-dir", "data"]);
        self.program = Some(Program::start(command, &self.directory.join("log")));
    }

    fn await_ready(&mut self) {
        let url = self.url("/readyz");
        let program = self.program.as_mut().expect("it was started");
        until("a node is ready", PATIENCE, || {
            assert!(program.runs(), "the node ended: {}", program.last_words());
            minreq::get(&url).send().is_ok_and(|answer| answer.status_code == 200).then_some(())
        });
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.program.take().expect("it runs").kill();
    }

    /// Asks it to end, and waits until it has, in good order.
    pub(crate) fn stop(&mut self) {
        let mut program = self.program.take().expect("it runs");
        assert!(program.stop(Signal::TERM), "it ended badly: {}", program.last_words());
    }

    /// Runs a command of the program with the node's settings, and expects that it is done.
    pub(crate) fn command(&self, words: &[&str]) {
        let ran = self.run(words);
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// What a command says, however it ends.
    pub(crate) fn said(&self, words: &[&str]) -> String {
        String::from_utf8(self.run(words).stdout).expect("text")
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
        command.env_clear().envs(self.settings.iter().cloned()).current_dir(&self.directory);
        command.args(words).output().expect("it starts")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Logs in; the token.
    pub(crate) fn log_in(&self, name: &str) -> String {
        let who = json!({"name": name, "password": PASSWORD});
        let answer = self.ask(Method::Post, "/api/v1/login", Some(who), "").expect(200);
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Asks over REST.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        token: &str,
    ) -> Answer {
        let mut request = minreq::Request::new(method, self.url(path)).with_timeout(20);
        if !token.is_empty() {
            request = request.with_header("Authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.with_header("Content-Type", "application/json");
            request = request.with_body(body.to_string());
        }
        let answer = request.send().expect("an answer");
        let text = answer.as_str().expect("text");
        Answer {
            status: answer.status_code.into(),
            retry_after: answer.headers.iter().find_map(|(name, value)| {
                name.eq_ignore_ascii_case("retry-after").then(|| value.clone())
            }),
            body: serde_json::from_str(text).unwrap_or(Value::Null),
        }
    }

    /// One scrape.
    pub(crate) fn scrape(&self) -> Probe {
        let answer = minreq::get(format!("http://{}/metrics", self.metrics)).send();
        Probe::of(answer.expect("an answer").as_str().expect("text"))
    }

    /// Waits until a series has a value.
    #[track_caller]
    pub(crate) fn shows(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut last = None;
        until(&format!("{name}{labels:?} is {value}"), PATIENCE, || {
            last = self.scrape().value(name, labels);
            (last == Some(value)).then_some(())
        });
    }
}
