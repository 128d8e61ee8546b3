//! Figures of the README, measured: what logging costs, and what is lost.
//!
//! `cargo run --release -p campanile-loki --example measure_shipping -- load 100000 10` logs so many lines a
//! second for so many seconds to a Loki of its own. `outage 200 600` does it while Loki is away,
//! then brings it back; `stall 10000 10` while it never answers. `flush 1000` logs so many while Loki is
//! away, then ends. A directory as the last argument is where lines wait, instead of in memory.
//!
//! It fails, with status 1, when a line is lost: one that Loki does not have in the end, or, where
//! it takes none, one that is not told of. With `--max-cost-us 12` it also fails when a line costs
//! whoever logs it more than that on average; how much it does depends on the machine.

#![expect(clippy::print_stdout, reason = "it shows what it measured")]

#[path = "../tests/stand_in/mod.rs"]
mod stand_in;

use campanile_loki::{Config, Shipper, SpoolConfig};
use stand_in::{Manner, StandIn, eventually, lines::log_as_a_server};
use std::{
    error::Error,
    fs,
    thread::park_timeout,
    time::{Duration, Instant},
};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let cost_max = take_cost_max(&mut arguments)?;
    let directory = arguments.pop_if(|last| last.contains('/'));
    let spool = directory
        .map(|directory| SpoolConfig { directory: directory.into(), bytes_max: 256 * 1024 * 1024 });
    let loki = StandIn::start();
    loki.behave(Manner::Count);
    let (layer, shipper) = Config { url: loki.url(), spool, ..Config::default() }.start()?;
    tracing_subscriber::registry().with(layer).init();
    let logged = measure(&arguments, &loki, &shipper)?;
    tell("at the end", &shipper);
    let seen = loki.lock();
    println!("Loki counted {} lines in {} pushes", seen.lines, seen.pushes);
    logged.check(seen.lines, &shipper, cost_max)
}

/// Does what is asked, and ends shipping; what was logged.
fn measure(
    arguments: &[&str],
    loki: &StandIn,
    shipper: &Shipper,
) -> Result<Logged, Box<dyn Error>> {
    let logged = match arguments[..] {
        ["load", rate, seconds] => {
            let logged = log(rate.parse()?, seconds.parse()?);
            let report = shipper.flush(Duration::from_secs(60));
            println!("flushed: {report:?}");
            logged
        }
        ["outage", rate, seconds] => {
            loki.go_down();
            let logged = log(rate.parse()?, seconds.parse()?);
            tell("before it is back", shipper);
            loki.come_up();
            let back = Instant::now();
            eventually("all is sent", || shipper.status().queued == 0);
            println!("all was sent {:.1?} after it was back", back.elapsed());
            logged
        }
        ["stall", rate, seconds] => {
            loki.behave(Manner::Stall);
            let logged = log(rate.parse()?, seconds.parse()?);
            let report = shipper.flush(Duration::from_secs(2));
            println!("flushed within 2 s: {report:?}");
            Logged { is_taken: false, ..logged }
        }
        ["flush", lines] => {
            loki.go_down();
            let logged = log(lines.parse()?, 1);
            let started = Instant::now();
            let report = shipper.flush(Duration::from_secs(2));
            println!("flushed within 2 s: {report:?} after {:.3?}", started.elapsed());
            Logged { is_taken: false, ..logged }
        }
        _ => return Err("say what: load, outage or stall RATE SECONDS, or flush LINES".into()),
    };
    Ok(logged)
}

/// What was logged, and what it cost.
struct Logged {
    lines: u64,
    /// What each cost whoever logged it.
    each: Duration,
    /// Whether Loki took lines in the end.
    is_taken: bool,
}

impl Logged {
    /// Whether every line is where it should be, and was cheap enough.
    fn check(
        &self,
        counted: u64,
        shipper: &Shipper,
        cost_max: Option<Duration>,
    ) -> Result<(), Box<dyn Error>> {
        let status = shipper.status();
        let told = status.sent + status.dropped_in_all() + status.queued;
        let found = if self.is_taken { counted.min(status.sent) } else { told };
        if found < self.lines {
            return Err(format!("{} of {} lines are lost", self.lines - found, self.lines).into());
        }
        match cost_max {
            Some(most) if self.each > most => {
                Err(format!("a line costs {:.2?}, more than {most:.2?}", self.each).into())
            }
            _ => Ok(()),
        }
    }
}

/// Takes `--max-cost-us MICROSECONDS` out of the arguments.
fn take_cost_max(arguments: &mut Vec<&str>) -> Result<Option<Duration>, Box<dyn Error>> {
    let Some(place) = arguments.iter().position(|word| *word == "--max-cost-us") else {
        return Ok(None);
    };
    let most = arguments.get(place + 1).ok_or("--max-cost-us: how many?")?.parse::<f64>()?;
    arguments.drain(place..=place + 1);
    Ok(Some(Duration::try_from_secs_f64(most / 1e6)?))
}

/// Logs lines as the server has them, evenly; says what one costs whoever logs it.
fn log(rate: u32, seconds: u32) -> Logged {
    const EVERY: Duration = Duration::from_millis(5);
    let (lines, started) = (u64::from(rate) * u64::from(seconds), Instant::now());
    let (mut done, mut spent, mut longest) = (0_u64, Duration::ZERO, Duration::ZERO);
    while done < lines {
        let due = (started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        for line in done..due.min(lines) {
            let before = Instant::now();
            log_as_a_server(line);
            let took = before.elapsed();
            spent += took;
            longest = longest.max(took);
        }
        done = done.max(due.min(lines));
        park_timeout(EVERY);
    }
    let (each, rate) = (spent / lines.max(1) as u32, done as f64 / started.elapsed().as_secs_f64());
    println!("logged {lines} lines at {rate:.0}/s, {each:.2?} each, {longest:.2?} the longest");
    Logged { lines, each, is_taken: true }
}

fn tell(when: &str, shipper: &Shipper) {
    let status = shipper.status();
    println!(
        "{when}: {} accepted, {} sent, {} dropped {:?}, {} waiting in {} bytes of memory and {} of disk, \
         {} retries; {}",
        status.accepted,
        status.sent,
        status.dropped_in_all(),
        campanile_loki::DropReason::ALL.iter().map(|r| status.dropped(*r)).collect::<Vec<_>>(),
        status.queued,
        status.memory_bytes,
        status.spool_bytes,
        status.retries,
        resident(),
    );
}

/// Memory of this process, the Loki in it included.
fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("VmHWM unknown").to_owned()
}
