//! How much later messages are heard while metrics are scraped.
//!
//! Messages are sent at a steady rate, whether or not the server keeps up, and each tells when it
//! was due. Turns without a scraper and with one, seldom and often, follow each other; a second
//! turn without one shows what chance does.

use crate::{
    child::Recorder,
    crowd::{Crowd, Scene},
    server::{Server, Setup},
    statistics::{quantile, quartiles},
};
use anyhow::{Result, anyhow, ensure};
use std::{
    net::SocketAddr,
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What is compared, and how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How people are spread.
    #[arg(long, default_value = "fanout")]
    scene: Scene,
    /// Listeners, of all rooms.
    #[arg(long, default_value_t = 200)]
    listeners: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    per_second: u32,
    /// Rounds, each of one turn of every kind.
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Seconds of one turn.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
}

/// One kind of turn, and how late deliveries were in each: in the middle, and the last in a hundred.
struct Kind {
    name: &'static str,
    scrapes_per_second: u32,
    middles: Vec<f64>,
    tails: Vec<f64>,
}

const KINDS: [(&str, u32); 4] =
    [("no scraper", 0), ("no scraper, again", 0), ("1 scrape/s", 1), ("10 scrapes/s", 10)];

pub(crate) async fn compare(arguments: &Arguments) -> Result<()> {
    let setup = Setup { recorder: Recorder::Real, ballast: true, shared: None, under: &[] };
    let server = Server::start(setup).await?;
    let mut crowd = Crowd::gather(&server, arguments.scene, arguments.listeners).await?;
    let mut kinds = KINDS.map(|(name, scrapes_per_second)| Kind {
        name,
        scrapes_per_second,
        middles: Vec::new(),
        tails: Vec::new(),
    });
    let mut scrapes = Vec::new();
    // The first round warms up and is not counted.
    for round in 0..=arguments.rounds {
        for place in 0..kinds.len() {
            let kind = &mut kinds[(round + place) % KINDS.len()];
            let scraper = Scraper::start(server.metrics, kind.scrapes_per_second);
            let latenesses = arguments.turn(&mut crowd).await?;
            let took = scraper.stop()?;
            if round > 0 {
                kind.middles.push(millis(&latenesses, 0.5));
                kind.tails.push(millis(&latenesses, 0.99));
                scrapes.extend(took);
            }
        }
    }
    report(&kinds, &scrapes, series(server.metrics)?);
    Ok(())
}

impl Arguments {
    async fn turn(&self, crowd: &mut Crowd) -> Result<Vec<Duration>> {
        let time = Duration::from_secs(self.seconds);
        crowd.keep_pace(self.body_bytes, self.per_second, time).await
    }
}

/// A thread that scrapes as Prometheus does, until it is stopped.
struct Scraper {
    stop: SyncSender<()>,
    thread: JoinHandle<Result<Vec<Duration>>>,
}

impl Scraper {
    /// With no scrapes a second, it waits to be stopped.
    fn start(address: SocketAddr, per_second: u32) -> Self {
        let (stop, stopped) = sync_channel(0);
        let pause = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::MAX);
        let thread = thread::spawn(move || {
            let mut took = Vec::new();
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let started = Instant::now();
                scrape(address, "gzip")?;
                took.push(started.elapsed());
            }
            Ok(took)
        });
        Self { stop, thread }
    }

    fn stop(self) -> Result<Vec<Duration>> {
        drop(self.stop);
        self.thread.join().map_err(|_| anyhow!("the scraper panicked"))?
    }
}

fn scrape(address: SocketAddr, encoding: &str) -> Result<Vec<u8>> {
    let request = minreq::get(format!("http://{address}/metrics"))
        .with_header("Accept", "application/openmetrics-text;version=1.0.0")
        .with_header("Accept-Encoding", encoding);
    let answer = request.send()?;
    ensure!(answer.status_code == 200, "a scrape was answered with {}", answer.status_code);
    Ok(answer.into_bytes())
}

fn series(address: SocketAddr) -> Result<usize> {
    let text = String::from_utf8(scrape(address, "identity")?)?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).count())
}

fn millis(durations: &[Duration], part: f64) -> f64 {
    quantile(durations, part).unwrap_or_default().as_secs_f64() * 1e3
}

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report(kinds: &[Kind], scrapes: &[Duration], series: usize) {
    for kind in kinds {
        println!("{}: p50 in ms: {}", kind.name, quartiles(&kind.middles));
        println!("{}: p99 in ms: {}", kind.name, quartiles(&kind.tails));
    }
    for kind in &kinds[1..] {
        let of = |ours: &[f64], quiet: &[f64]| -> String {
            quartiles(&ours.iter().zip(quiet).map(|(ours, quiet)| ours / quiet).collect::<Vec<_>>())
        };
        println!("{} to none: p50 {}", kind.name, of(&kind.middles, &kinds[0].middles));
        println!("{} to none: p99 {}", kind.name, of(&kind.tails, &kinds[0].tails));
    }
    let [middle, tail] = [0.5, 0.99].map(|part| millis(scrapes, part));
    println!("{} scrapes of {series} lines: p50 {middle:.2} ms, p99 {tail:.2} ms", scrapes.len());
}
