//! A program whose whole output is kept.

use crate::support::{Server, program::campanile, until};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command},
};
use tempfile::TempDir;

/// The program, running. Dropping it kills it.
pub(crate) struct Logged {
    pub(crate) server: Server,
    child: Child,
    home: TempDir,
}

impl Logged {
    /// Starts it with this level, and settings by their variables.
    pub(crate) fn start(level: &str, settings: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let mut command = campanile(home.path());
        command.env("CAMPANILE_LOG__LEVEL", level);
        command.env("CAMPANILE_SERVER__DRAIN_SECONDS", "0.1");
        command.env("CAMPANILE_WEBSOCKET__CLOSING_SECONDS", "1");
        for (name, value) in settings {
            command.env(format!("CAMPANILE_{name}"), value);
        }
        let child = spawn(command, &home);
        let output = home.path().join(STDOUT);
        let [url, endpoint] = until("it serves", || {
            let lines = whole_lines(&output);
            let field = |name| lines.iter().find_map(|line| line[name].as_str().map(str::to_owned));
            Some([field("url")?, field("endpoint")?])
        });
        Self { server: Server::of_program(&url, endpoint), child, home }
    }

    /// The lines that were written so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        whole_lines(&self.home.path().join(STDOUT))
    }

    /// What a file in its data directory says.
    pub(crate) fn kept(&self, name: &str) -> String {
        fs::read_to_string(self.data().join(name)).expect("it is there")
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Those of one event.
    pub(crate) fn of(&self, event: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["event"] == event);
        lines
    }

    /// Waits for the first line of an event.
    #[track_caller]
    pub(crate) fn first(&self, event: &str) -> Value {
        until(event, || self.of(event).into_iter().next())
    }

    /// Tells it to stop, and waits; everything that it wrote, anywhere.
    pub(crate) fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        let status = until("the end", || self.child.try_wait().expect("it is ours"));
        let text = |name| fs::read_to_string(self.home.path().join(name)).expect("text");
        let said = format!("{}{}", text(STDOUT), text(STDERR));
        assert!(status.success(), "{said}");
        said
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

fn spawn(mut command: Command, home: &TempDir) -> Child {
    let file = |name| File::create(home.path().join(name)).expect("a file");
    command.stdout(file(STDOUT)).stderr(file(STDERR)).spawn().expect("it starts")
}

/// Lines that have ended, which all are objects: what a collector would read.
fn whole_lines(file: &PathBuf) -> Vec<Value> {
    let bytes = fs::read(file).expect("it is there");
    let text = String::from_utf8(bytes).expect("text");
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}"));
    whole.split_terminator('\n').map(parse).collect()
}
