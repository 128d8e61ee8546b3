//! How much later messages are heard while metrics are scraped.
//!
//! Turns without a scraper and with one, seldom and often, follow each other; a second kind
//! without one shows what chance does.

use crate::{
    child::Recorder,
    crowd::Crowd,
    server::{Server, Setup},
    statistics::millis,
    turns::{self, Arguments, Kind},
};
use anyhow::{Result, anyhow, ensure};
use std::{
    net::SocketAddr,
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const KINDS: [(&str, u32); 4] =
    [("no scraper", 0), ("no scraper, again", 0), ("1 scrape/s", 1), ("10 scrapes/s", 10)];

pub(crate) async fn compare(arguments: &Arguments) -> Result<()> {
    let setup = Setup { recorder: Recorder::Real, ballast: true, shared: None, under: &[] };
    let server = Server::start(setup).await?;
    let mut crowd = Crowd::gather(&server, arguments.scene, arguments.listeners).await?;
    let mut kinds = KINDS.map(|(name, _)| Kind::new(name));
    let mut scrapes = Vec::new();
    for (place, is_counted) in arguments.order(KINDS.len()) {
        let scraper = Scraper::start(server.metrics, KINDS[place].1);
        let latenesses = arguments.turn(&mut crowd).await?;
        let took = scraper.stop()?;
        if is_counted {
            kinds[place].add(&latenesses);
            scrapes.extend(took);
        }
    }
    turns::report(&kinds);
    report(&scrapes, series(server.metrics)?);
    Ok(())
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

/// What a scrape is answered with, in OpenMetrics.
pub(crate) fn scrape(address: SocketAddr, encoding: &str) -> Result<Vec<u8>> {
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

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report(scrapes: &[Duration], series: usize) {
    let [middle, tail] = [0.5, 0.99].map(|part| millis(scrapes, part));
    println!("{} scrapes of {series} lines: p50 {middle:.2} ms, p99 {tail:.2} ms", scrapes.len());
}
