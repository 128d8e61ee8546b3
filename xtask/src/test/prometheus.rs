//! A real Prometheus scrapes the server in both formats and answers questions about it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::cmd;

use super::checks::Checks;
use super::report::Outcome;
use crate::live::{Conversation, Front, ROOM_MESSAGES, Server, free_address};
use crate::process::Background;
use crate::provide;
use crate::wait;
use crate::workspace::Workspace;

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0";
const TEXT: &str = "text/plain;version=0.0.4";

/// The scrape jobs, one per format.
const SCRAPES: [&str; 2] = ["openmetrics", "text"];
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let program = provide::program(&["prometheus"], "prometheus")?;
    let promtool = provide::program(&["promtool"], "prometheus")?;
    let server = Server::start(workspace, "prometheus", &[])?;
    let prometheus = Prometheus::start(workspace, &program, server.metrics)?;
    let conversation = Conversation::hold(&server)?;

    let mut checks = Checks::default();
    checks.check("promtool finds nothing to say about the metrics", || {
        let (_, text) = server.scrape(TEXT)?;
        let shell = workspace.shell()?;
        Ok(cmd!(shell, "{promtool} check metrics")
            .stdin(text)
            .quiet()
            .run()?)
    });
    for scrape in SCRAPES {
        check_scrape(scrape, &prometheus, &server, &conversation, &mut checks);
    }
    let connections = conversation.connections();
    conversation.end()?;
    for scrape in SCRAPES {
        checks.check(
            &format!("{scrape}: nobody is counted as connected who left"),
            || {
                prometheus.becomes(
                    &format!("sum(chat_connections_active{{job='{scrape}'}})"),
                    0.0,
                )?;
                let closed = format!("sum(chat_connections_closed_total{{job='{scrape}'}})");
                prometheus.becomes(&closed, connections as f64)
            },
        );
    }
    checks.outcome()
}

fn check_scrape(
    scrape: &str,
    prometheus: &Prometheus,
    server: &Server,
    conversation: &Conversation,
    checks: &mut Checks,
) {
    checks.check(&format!("{scrape}: the target is up"), || {
        prometheus.becomes(&format!("up{{job='{scrape}'}}"), 1.0)
    });
    checks.check(&format!("{scrape}: who is connected"), || {
        let query = format!("sum(chat_connections_active{{job='{scrape}'}})");
        prometheus.becomes(&query, conversation.connections() as f64)
    });
    checks.check(&format!("{scrape}: what was said"), || {
        let query =
            format!("sum(chat_messages_processed_total{{job='{scrape}',result='accepted'}})");
        prometheus.becomes(&query, ROOM_MESSAGES as f64)
    });
    checks.check(&format!("{scrape}: how long it took"), || {
        let buckets = format!("chat_message_processing_duration_seconds_bucket{{job='{scrape}'}}");
        let quantile = prometheus.value(&format!(
            "histogram_quantile(0.99, sum by (le) ({buckets}))"
        ))?;
        ensure!(
            quantile > 0.0 && quantile < 10.0,
            "99 % within {quantile} s"
        );
        Ok(())
    });
    checks.check(&format!("{scrape}: every type is known"), || {
        let accept = if scrape == "text" { TEXT } else { OPENMETRICS };
        let declared = declared(&server.scrape(accept)?.1, "TYPE");
        let known = prometheus.metadata(scrape, "type")?;
        ensure!(
            declared.len() > 20 && known == declared,
            "{known:?} is not {declared:?}"
        );
        Ok(())
    });
    if scrape == "openmetrics" {
        checks.check("openmetrics: every unit is known", || {
            let declared = declared(&server.scrape(OPENMETRICS)?.1, "UNIT");
            let mut known = prometheus.metadata(scrape, "unit")?;
            known.retain(|_, unit| !unit.is_empty());
            ensure!(
                declared.len() > 5 && known == declared,
                "{known:?} is not {declared:?}"
            );
            Ok(())
        });
    }
}

/// What the lines `# KEYWORD name value` of a scrape declare. Prometheus calls an info a gauge in
/// neither format, and a gauge an info in none.
fn declared(text: &str, keyword: &str) -> BTreeMap<String, String> {
    let start = format!("# {keyword} ");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(&start)?.split_once(' '));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A Prometheus with one scrape job per format, both of the same server.
struct Prometheus {
    address: SocketAddr,
    _process: Background,
    _data: tempfile::TempDir,
}

impl Prometheus {
    fn start(
        workspace: &Workspace,
        program: &std::path::Path,
        metrics: SocketAddr,
    ) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let text = Front::start(metrics, TEXT)?.address;
        let jobs = SCRAPES.iter().zip([metrics, text]);
        let jobs = jobs.map(|(job, target)| {
            format!("  - job_name: {job}\n    static_configs: [{{targets: ['{target}']}}]\n")
        });
        let config = data.path().join("prometheus.yml");
        let global = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n";
        fs::write(&config, format!("{global}{}", jobs.collect::<String>()))?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!(
            "--storage.tsdb.path={}",
            data.path().join("data").display()
        ));
        command.arg(format!("--web.listen-address={address}"));
        let log = workspace.folder("logs")?.join("prometheus.log");
        let mut process = Background::start(command, &log)?;
        wait::until("Prometheus is ready", DEADLINE, || {
            let answer = minreq::get(format!("http://{address}/-/ready"))
                .with_timeout(5)
                .send()?;
            ensure!(
                answer.status_code == 200,
                "it answers {}",
                answer.status_code
            );
            Ok(())
        })
        .with_context(|| process.last_lines())?;
        process.check_running()?;
        Ok(Self {
            address,
            _process: process,
            _data: data,
        })
    }

    /// Waits until the query gives this number.
    fn becomes(&self, query: &str, expected: f64) -> Result<()> {
        wait::until(query, DEADLINE, || {
            let value = self.value(query)?;
            ensure!(value == expected, "it is {value}, not {expected}");
            Ok(())
        })
    }

    /// The one number that the query gives.
    fn value(&self, query: &str) -> Result<f64> {
        let answer = self.get("query", &[("query", query)])?;
        let value = answer["result"][0]["value"][1].as_str();
        Ok(value
            .with_context(|| format!("{query} gives nothing"))?
            .parse()?)
    }

    /// What Prometheus knows of every metric of a job: its `type`, or its `unit`.
    fn metadata(&self, job: &str, key: &str) -> Result<BTreeMap<String, String>> {
        let target = format!("{{job=\"{job}\"}}");
        let answer = self.get("targets/metadata", &[("match_target", &target)])?;
        let entries = answer.as_array().context("no metadata")?.iter();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        // Of its own, Prometheus knows `up` and the scrape's; it keeps no metadata of those.
        Ok(entries
            .map(|entry| (text(entry, "metric"), text(entry, key)))
            .collect())
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
