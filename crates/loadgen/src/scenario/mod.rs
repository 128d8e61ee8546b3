//! Kinds of traffic. Adding one is a file here and a line in [`Traffic`].

mod steady;
mod wrong_passwords;
mod slow_reader;
mod connections;
mod flood;
mod requests;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::measure::{self, Measurement};
use crate::people::Secret;
use crate::progress;
use crate::report::Report;
use crate::stop::{Phase, Stopper};
use crate::target::Target;
use crate::world::{Names, World};

/// What every kind of traffic is told.
#[derive(Args, Debug)]
pub struct Common {
    /// The server, or what stands before several.
    #[arg(long, default_value = "http://127.0.0.1:8080", global = true)]
    url: String,
    /// How long traffic is made: a number with ms, s, m or h. Without it 10m, and 10s where
    /// something is measured.
    #[arg(long, value_parser = duration, global = true)]
    duration: Option<Duration>,
    /// How long to wait afterwards for what has not arrived.
    #[arg(long, default_value = "30s", value_parser = duration, global = true)]
    settle: Duration,
    /// What names of accounts and rooms begin with; at random without it.
    #[arg(long, global = true, requires = "secret_file")]
    prefix: Option<String>,
    /// File with what passwords are derived from, made when it is not there; to use the accounts
    /// of an earlier run. At random without it.
    #[arg(long, global = true)]
    secret_file: Option<PathBuf>,
    /// Source addresses, 127.0.0.1 and on, for a server on this machine.
    #[arg(long, default_value_t = 1, global = true)]
    sources: u16,
    /// Report as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What a run is.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// Traffic as there is anywhere.
    #[command(flatten)]
    Traffic(Traffic),
    /// A measurement.
    #[command(flatten)]
    Measure(measure::Kind),
}

/// A kind of traffic.
#[derive(Debug, Subcommand)]
pub enum Traffic {
    /// What people do all day, with a little of what they should not do.
    Steady(steady::Options),
    /// Log-ins with wrong passwords.
    WrongPasswords(wrong_passwords::Options),
    /// Readers that stop reading until they are cut.
    SlowReader(slow_reader::Options),
    /// Connections that say nothing.
    Connections(connections::Options),
    /// One client that asks faster than it may.
    Flood(flood::Options),
    /// HTTP requests of one kind.
    Requests(requests::Options),
}

/// What came of a run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of traffic that is to be as it is anywhere.
    Traffic(Box<Report>),
    /// Of traffic that is measured.
    Measured(Box<Measurement>),
}

/// The tasks of a run.
type Tasks = JoinSet<Result<()>>;

impl Scenario {
    /// Does it, and reports.
    pub async fn run(self, common: &Common) -> Result<Outcome> {
        Ok(match self {
            Self::Traffic(traffic) => Outcome::Traffic(Box::new(traffic.run(common).await?)),
            Self::Measure(kind) => Outcome::Measured(Box::new(kind.run(common).await?)),
        })
    }
}

impl Traffic {
    /// Its name, as it is given on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Steady(_) => "steady",
            Self::WrongPasswords(_) => "wrong-passwords",
            Self::SlowReader(_) => "slow-reader",
            Self::Connections(_) => "connections",
            Self::Flood(_) => "flood",
            Self::Requests(_) => "requests",
        }
    }

    /// Makes the traffic, waits until what is on its way has arrived, and reports.
    async fn run(self, common: &Common) -> Result<Report> {
        let (stopper, stop) = Stopper::new();
        let world = World::new(common.target()?, common.names()?, stop)?;
        let name = self.name();
        let progress = tokio::spawn(progress::tell(world.clone()));
        let mut tasks = Tasks::new();
        self.start(&world, &mut tasks);
        let ended = tokio::select! {
            ended = watch(&stopper, common, &world) => ended,
            failed = first_failure(&mut tasks) => Err(failed),
        };
        stopper.enter(Phase::Over);
        ended?;
        while let Some(task) = tasks.join_next().await {
            task.context("a client broke")??;
        }
        progress.await?;
        Ok(Report::of(name, &world, world.ledger.close()))
    }

    fn start(self, world: &World, tasks: &mut Tasks) {
        match self {
            Self::Steady(options) => drop(tasks.spawn(steady::run(options, world.clone()))),
            Self::WrongPasswords(options) => wrong_passwords::start(options, world, tasks),
            Self::SlowReader(options) => slow_reader::start(&options, world, tasks),
            Self::Connections(options) => connections::start(&options, world, tasks),
            Self::Flood(options) => flood::start(&options, world, tasks),
            Self::Requests(options) => requests::start(options, world, tasks),
        }
    }
}

impl Outcome {
    /// Whether every acknowledged message arrived as it should.
    pub fn is_well(&self) -> bool {
        match self {
            Self::Traffic(report) => report.is_well(),
            Self::Measured(measurement) => measurement.is_well(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traffic(report) => report.fmt(formatter),
            Self::Measured(measurement) => measurement.fmt(formatter),
        }
    }
}

impl Common {
    /// The server.
    pub(crate) fn target(&self) -> Result<Target> {
        Target::parse(&self.url, self.sources)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How long traffic is made, where nobody said.
    pub(crate) fn duration(&self, usual: Duration) -> Duration {
        self.duration.unwrap_or(usual)
    }

    /// How long to wait afterwards.
    pub(crate) fn settle(&self) -> Duration {
        self.settle
    }

    pub(crate) fn names(&self) -> Result<Names> {
        let prefix = match &self.prefix {
            Some(prefix) => prefix.clone(),
            None => format!("load-{:06x}", rand::random::<u32>() >> 8),
        };
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let right = (1..=40).contains(&prefix.len()) && prefix.bytes().all(allowed);
        ensure!(right, "a prefix has 1 to 40 of a-z, 0-9, dot, dash and underscore");
        let secret = match &self.secret_file {
            Some(path) => Secret::of_file(path)?,
            None => Secret::random(),
        };
        Ok(Names { prefix, secret })
    }
}

/// Ends the phases of a run when it is time.
async fn watch(stopper: &Stopper, common: &Common, world: &World) -> Result<()> {
    stopper.settle_after(common.duration(Duration::from_secs(600))).await?;
    let settled = async {
        while world.ledger.outstanding() + world.tally.undecided.get() > 0 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = settled => Ok(()),
        // Whoever asks a second time does not want to wait.
        waited = stopper.settle_after(common.settle) => waited,
    }
}

/// The first task that fails; those that end well are waited for no longer.
async fn first_failure(tasks: &mut Tasks) -> anyhow::Error {
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(error) => return error.into(),
        }
    }
    std::future::pending().await
}

/// Reads a time such as `90s`.
pub(crate) fn duration(text: &str) -> Result<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: f64 = digits.parse().context("a time is a number with ms, s, m or h")?;
    let seconds = match &text[digits.len()..] {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => bail!("a time is a number with ms, s, m or h"),
    };
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// Reads a rate or a share: a number that is not negative.
pub(crate) fn amount(text: &str) -> Result<f64> {
    let number: f64 = text.parse()?;
    ensure!(number.is_finite() && number >= 0.0, "it is a number from 0 on");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, millis) in [("250ms", 250), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for wrong in ["", "5", "s", "-1s", "5 s", "1d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_not_negative() {
        assert_eq!(amount("0.05").unwrap(), 0.05);
        for wrong in ["", "-1", "inf", "NaN"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }
}
