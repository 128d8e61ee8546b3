//! The chat server of one job: started on free ports with an empty folder, ended with the job.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::ports::free_address;
use crate::process::{self, Background};
use crate::wait;
use crate::workspace::Workspace;

const START_DEADLINE: Duration = Duration::from_secs(30);

/// A running `campanile`. Dropping it kills the process and removes its data.
pub(crate) struct Server {
    /// Where people come in.
    pub(crate) address: SocketAddr,
    /// Where metrics are scraped.
    pub(crate) metrics: SocketAddr,
    process: Background,
    _data: TempDir,
}

impl Server {
    /// Starts a server with these settings from the environment on top of the defaults, and waits
    /// until it is ready. `job` names its log in `target/logs`.
    pub(crate) fn start(
        workspace: &Workspace,
        job: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        build(workspace)?;
        let data = tempfile::tempdir().context("cannot make a folder for the server's data")?;
        let (address, metrics) = (free_address()?, free_address()?);
        let mut command = Command::new(workspace.built("campanile"));
        command.arg("serve").current_dir(data.path()).envs(settings.iter().copied());
        command.args(["--listen", &address.to_string(), "--metrics-listen", &metrics.to_string()]);
        command.arg("--data-dir").arg(data.path());
        let log = workspace.folder("logs")?.join(format!("{job}-server.log"));
        let process = Background::start(command, &log)?;
        let mut server = Self { address, metrics, process, _data: data };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The URL of a path on the listener for people.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// One scrape as a Prometheus asks for it: the content type of the answer, and its text.
    pub(crate) fn scrape(&self, accept: &str) -> Result<(String, String)> {
        let url = format!("http://{}/metrics", self.metrics);
        let answer = minreq::get(url).with_header("Accept", accept).with_timeout(10).send()?;
        ensure!(answer.status_code == 200, "the scrape was answered {}", answer.status_code);
        let kind = answer.header("content-type").unwrap_or_default().to_owned();
        Ok((kind, answer.as_str()?.to_owned()))
    }

    /// Fails when the server is no longer there, with what it said last.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        self.process.check_running()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let url = self.url("/readyz");
        let ready = wait::until("the server is ready", START_DEADLINE, || {
            // One that ended will never be ready: stop waiting, and say what it said.
            if let Err(ended) = self.process.check_running() {
                return Ok(Err(ended));
            }
            let answer = minreq::get(&url).with_timeout(5).send()?;
            ensure!(answer.status_code == 200, "/readyz answers {}", answer.status_code);
            Ok(Ok(()))
        });
        ready.with_context(|| self.process.last_lines())?
    }
}

/// Builds the programs of ours that live jobs start, once, as the tests build them.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let mut command = Command::new("cargo");
        command.args(["test", "--workspace", "--no-run", "--quiet", "--locked"]);
        command.current_dir(&workspace.root);
        process::follow(command, |_| {}).is_ok_and(|status| status.success())
    });
    ensure!(*built, "the programs do not build");
    Ok(())
}
