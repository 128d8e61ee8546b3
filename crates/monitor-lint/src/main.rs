//! The program: reads what it is given, looks at it, says what is wrong.

mod read;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use campanile_monitor_lint::{RULES, fix, lint, output};
use clap::{Parser, ValueEnum};

/// Finds what is wrong in alerts, dashboards, configurations and guides.
///
/// It reads rule files and configurations of Prometheus, configurations of Alertmanager and Loki,
/// dashboards of Grafana, objects of Kubernetes for the operator of Prometheus, compose files, and
/// Markdown with fenced blocks of all of these. No server is needed.
///
/// Files that are given together are one setup: rules are held against the configuration that loads
/// them, alerts against the routes that take them. Each Markdown file is a setup of its own.
///
/// Exit code 0: nothing found. 1: something found. 2: wrong usage, or a file that cannot be read.
#[derive(Parser)]
#[command(version, after_help = AFTER)]
struct Arguments {
    /// Files, or folders whose .yaml, .yml, .json and .md files are read.
    #[arg(required_unless_present = "rules")]
    files: Vec<PathBuf>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// What can be asked for: an exposition as /metrics answers it, a list of metrics in JSON, or
    /// the URL of either. Names, labels, types and buckets are held against it.
    #[arg(long, value_name = "FILE or URL")]
    catalogue: Option<String>,
    /// A Prometheus, which is asked which metrics it has and of which type.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// Changes in the files what is safe to change, and says what is left: `$__interval` in rates,
    /// limits that may be 0, queries in addresses that curl is given, obsolete keys of compose files.
    #[arg(long)]
    fix: bool,
    /// Lists the rules and ends.
    #[arg(long)]
    rules: bool,
}

const AFTER: &str = "\
Examples:
  monitor-lint alerts.yaml prometheus.yml alertmanager.yml
  monitor-lint --catalogue http://localhost:9601/metrics dashboards/
  monitor-lint --format sarif README.md > findings.sarif

An exception stands above what it allows, and says why:
  # lint: allow absolute-threshold because the licence is for 500 connections";

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people: the line, a caret, why, and what is better.
    Text,
    /// An array of objects.
    Json,
    /// SARIF 2.1.0, as code hosts read it.
    Sarif,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("monitor-lint: {error}");
            ExitCode::from(2)
        }
    }
}

/// Says whether nothing was found.
fn run(arguments: &Arguments) -> Result<bool, read::ReadError> {
    if arguments.rules {
        let lines = RULES
            .iter()
            .map(|rule| format!("{:8} {:26} {}\n", rule.severity.word(), rule.id, rule.says));
        return write(&lines.collect::<String>()).map(|()| true);
    }
    let known = read::catalogue(arguments.catalogue.as_deref(), arguments.prometheus.as_deref())?;
    let mut files = read::files(&arguments.files)?;
    let mut findings = lint(&files, &known);
    if arguments.fix {
        let (mended, count) = fix(&files, &findings);
        read::write_back(&mended)?;
        eprintln!("monitor-lint: {count} mended in {} files", mended.len());
        files = read::files(&arguments.files)?;
        findings = lint(&files, &known);
    }
    let text = match arguments.format {
        Format::Text => output::text(&findings, &files),
        Format::Json => output::json(&findings),
        Format::Sarif => output::sarif(&findings),
    };
    write(&text)?;
    Ok(findings.is_empty())
}

/// Whoever stops reading, as `head` does, has read enough.
fn write(text: &str) -> Result<(), read::ReadError> {
    match stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(read::ReadError::Output(error))
        }
        _ => Ok(()),
    }
}
