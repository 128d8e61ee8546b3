//! A Prometheus of one job: it scrapes what it is told to, every second.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::ports::free_address;
use super::questions::Questions;
use crate::process::Background;
use crate::wait;
use crate::workspace::Workspace;

const DEADLINE: Duration = Duration::from_secs(30);

/// A running Prometheus. Dropping it kills the process and removes its data.
pub(crate) struct Prometheus {
    /// What it can be asked.
    pub(crate) questions: Questions,
    _process: Background,
    _data: TempDir,
}

impl Prometheus {
    /// Starts one with a scrape job for each name and target, and waits until it is ready.
    pub(crate) fn start(
        workspace: &Workspace,
        program: &Path,
        targets: &[(&str, SocketAddr)],
    ) -> Result<Self> {
        let data = tempfile::tempdir().context("cannot make a folder for Prometheus")?;
        let jobs = targets.iter().map(|(job, target)| {
            format!("  - job_name: {job}\n    static_configs: [{{targets: ['{target}']}}]\n")
        });
        let config = data.path().join("prometheus.yml");
        let global = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n";
        fs::write(&config, format!("{global}{}", jobs.collect::<String>()))?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", data.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let log = workspace.folder("logs")?.join("prometheus.log");
        let mut process = Background::start(command, &log)?;
        wait::until("Prometheus is ready", DEADLINE, || {
            let answer = minreq::get(format!("http://{address}/-/ready")).with_timeout(5).send()?;
            ensure!(answer.status_code == 200, "it answers {}", answer.status_code);
            Ok(())
        })
        .with_context(|| process.last_lines())?;
        process.check_running()?;
        Ok(Self { questions: Questions { address }, _process: process, _data: data })
    }
}
