//! The program, started as from a shell.

use super::PATIENCE;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
};

/// A command of the program in this directory, with free ports and none of our environment.
pub(crate) fn campanile(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    command.current_dir(directory).env_clear();
    command.args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    command.args(["--data-dir", "data"]);
    command
}

/// The program, running. Dropping it kills it.
pub(crate) struct Program {
    pub(crate) child: Child,
    /// Where people come in.
    pub(crate) url: String,
    /// Where metrics are scraped.
    pub(crate) metrics: String,
    /// What it logs.
    pub(crate) lines: mpsc::Receiver<serde_json::Value>,
    /// What it has logged before it served.
    pub(crate) early_lines: Vec<serde_json::Value>,
}

impl Program {
    /// Starts it and waits until it says that it serves.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = follow(child.stdout.take().expect("it is piped"));
        let mut early_lines = Vec::new();
        let (mut url, mut metrics) = (None, None);
        while url.is_none() {
            let line = lines.recv_timeout(PATIENCE).expect("it says that it serves");
            let text = |key: &str| line[key].as_str().map(str::to_owned);
            url = url.or_else(|| text("url"));
            metrics = metrics.or_else(|| text("endpoint"));
            early_lines.push(line);
        }
        let (url, metrics) = (url.expect("it was said"), metrics.expect("it was said before"));
        Self { child, url, metrics, lines, early_lines }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Reads lines as they come, so that the program is never held up.
fn follow(output: ChildStdout) -> mpsc::Receiver<serde_json::Value> {
    let (sender, lines) = mpsc::sync_channel(100_000);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).expect("every line is an object");
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
