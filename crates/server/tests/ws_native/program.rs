//! The real program as a child process, in a data directory that outlives it.

use serde_json::{Value, json};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long the program may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it over what is in the directory, without rate limits, and waits until it is ready.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// The same with these variables in its environment.
    pub(crate) async fn start_with(data: &Path, variables: &[(&str, &str)]) -> Self {
        let (address, metrics) = (free_address(), free_address());
        let child = Command::new(env!("CARGO_BIN_EXE_campanile"))
            .args(["--listen", &address.to_string(), "--metrics-listen", &metrics.to_string()])
            .arg("--data-dir")
            .arg(data)
            .env("CAMPANILE_LIMITS__ENABLED", "false")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut program = Self { child, address };
        let deadline = Instant::now() + READY_WITHIN;
        while !program.is_ready() {
            let ended = program.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "the program ended: {ended:?}");
            assert!(Instant::now() < deadline, "the program is not ready in time");
            sleep(Duration::from_millis(10)).await;
        }
        program
    }

    fn is_ready(&self) -> bool {
        minreq::get(self.url("/readyz")).send().is_ok_and(|answer| answer.status_code == 200)
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is our child");
    }

    /// Tells it to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// How it ends, which it has to do within this time.
    pub(crate) async fn ended_within(&mut self, time: Duration) -> ExitStatus {
        let deadline = Instant::now() + time;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it still runs after {time:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Makes an account and logs in; the token.
    pub(crate) fn sign_up(&self, name: &str) -> String {
        let who = json!({"name": name, "password": "correct horse battery"});
        self.post("/api/v1/users", &who, "");
        let answer = self.post("/api/v1/login", &who, "");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Posts to the REST interface and expects that it is done.
    pub(crate) fn post(&self, path: &str, body: &Value, token: &str) -> Value {
        let answer = minreq::post(self.url(path))
            .with_header("Content-Type", "application/json")
            .with_header("Authorization", format!("Bearer {token}"))
            .with_body(body.to_string())
            .send()
            .expect("an answer");
        let text = answer.as_str().expect("text");
        assert!((200..300).contains(&answer.status_code), "{path}: {text}");
        serde_json::from_str(text).expect("JSON")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Forgets how much memory it once used; what it uses now, in bytes.
    pub(crate) fn reset_memory_peak(&self) -> u64 {
        fs::write(self.proc("clear_refs"), "5").expect("it is our child");
        self.memory("VmRSS")
    }

    /// The most memory it used since, in bytes.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.memory("VmHWM")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("it runs");
        let line = status.lines().find(|line| line.starts_with(name)).expect("it is there");
        let kilobytes = line.split_whitespace().nth(1).expect("a number");
        kilobytes.parse::<u64>().expect("a number") * 1_024
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}
