//! A Prometheus of one job: it scrapes what it is told to, every second, and answers queries.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::server::free_address;
use crate::process::Background;
use crate::wait;
use crate::workspace::Workspace;

const DEADLINE: Duration = Duration::from_secs(30);

/// A running Prometheus. Dropping it kills the process and removes its data.
pub(crate) struct Prometheus {
    address: SocketAddr,
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
        Ok(Self { address, _process: process, _data: data })
    }

    /// Waits until the query gives this number.
    pub(crate) fn becomes(&self, query: &str, expected: f64) -> Result<()> {
        wait::until(query, DEADLINE, || {
            let value = self.value(query)?;
            ensure!(value == expected, "it is {value}, not {expected}");
            Ok(())
        })
    }

    /// The one number that the query gives.
    pub(crate) fn value(&self, query: &str) -> Result<f64> {
        let answer = self.get("query", &[("query", query)])?;
        let value = answer["result"][0]["value"][1].as_str();
        Ok(value.with_context(|| format!("{query} gives nothing"))?.parse()?)
    }

    /// What Prometheus knows of every metric of a job: its `type`, or its `unit`.
    pub(crate) fn metadata(&self, job: &str, key: &str) -> Result<BTreeMap<String, String>> {
        let target = format!("{{job=\"{job}\"}}");
        let answer = self.get("targets/metadata", &[("match_target", &target)])?;
        let entries = answer.as_array().context("no metadata")?.iter();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        // Of its own, Prometheus knows `up` and the scrape's; it keeps no metadata of those.
        Ok(entries.map(|entry| (text(entry, "metric"), text(entry, key))).collect())
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut request =
            minreq::get(format!("http://{}/api/v1/{path}", self.address)).with_timeout(10);
        for (name, value) in parameters {
            request = request.with_param(name, value);
        }
        let answer = request.send()?;
        let mut answer: Value = serde_json::from_str(answer.as_str()?)?;
        ensure!(answer["status"] == "success", "{path}: {answer}");
        Ok(answer["data"].take())
    }
}
