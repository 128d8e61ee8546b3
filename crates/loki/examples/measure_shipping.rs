//! Figures of the README, measured: what logging costs, and what is lost.
//!
//! `cargo run --release -p campanile-loki --example measure_shipping -- load 100000 10` logs so many lines a
//! second for so many seconds to a Loki of its own. `outage 200 600` does it while Loki is away,
//! then brings it back; `stall 10000 10` while it never answers. `flush 1000` logs so many while Loki is
//! away, then ends. A directory as the last argument is where lines wait, instead of in memory.

#![expect(clippy::print_stdout, reason = "it shows what it measured")]

#[path = "../tests/stand_in/mod.rs"]
mod stand_in;

use campanile_loki::{Config, Shipper, SpoolConfig};
use stand_in::{Manner, StandIn, eventually};
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
    let directory = arguments.pop_if(|last| last.contains('/'));
    let spool = directory
        .map(|directory| SpoolConfig { directory: directory.into(), bytes_max: 256 * 1024 * 1024 });
    let loki = StandIn::start();
    loki.behave(Manner::Count);
    let (layer, shipper) = Config { url: loki.url(), spool, ..Config::default() }.start()?;
    tracing_subscriber::registry().with(layer).init();
    match arguments[..] {
        ["load", rate, seconds] => {
            log(rate.parse()?, seconds.parse()?);
            let report = shipper.flush(Duration::from_secs(60));
            println!("flushed: {report:?}");
        }
        ["outage", rate, seconds] => {
            loki.go_down();
            log(rate.parse()?, seconds.parse()?);
            tell("before it is back", &shipper);
            loki.come_up();
            let back = Instant::now();
            eventually("all is sent", || shipper.status().queued == 0);
            println!("all was sent {:.1?} after it was back", back.elapsed());
        }
        ["stall", rate, seconds] => {
            loki.behave(Manner::Stall);
            log(rate.parse()?, seconds.parse()?);
            let report = shipper.flush(Duration::from_secs(2));
            println!("flushed within 2 s: {report:?}");
        }
        ["flush", lines] => {
            loki.go_down();
            log(lines.parse()?, 1);
            let started = Instant::now();
            let report = shipper.flush(Duration::from_secs(2));
            println!("flushed within 2 s: {report:?} after {:.3?}", started.elapsed());
        }
        _ => return Err("say what: load, outage or stall RATE SECONDS, or flush LINES".into()),
    }
    tell("at the end", &shipper);
    let seen = loki.lock();
    println!("Loki counted {} lines in {} pushes", seen.lines, seen.pushes);
    Ok(())
}

/// Logs lines as the server has them, evenly; says what one costs whoever logs it.
fn log(rate: u32, seconds: u32) {
    const EVERY: Duration = Duration::from_millis(5);
    let (lines, started) = (u64::from(rate) * u64::from(seconds), Instant::now());
    let (mut done, mut spent, mut longest) = (0_u64, Duration::ZERO, Duration::ZERO);
    while done < lines {
        let due = (started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        for line in done..due.min(lines) {
            let before = Instant::now();
            line_of_a_server(line);
            let took = before.elapsed();
            spent += took;
            longest = longest.max(took);
        }
        done = done.max(due.min(lines));
        park_timeout(EVERY);
    }
    let (each, rate) = (spent / lines.max(1) as u32, done as f64 / started.elapsed().as_secs_f64());
    println!("logged {lines} lines at {rate:.0}/s, {each:.2?} each, {longest:.2?} the longest");
}

fn line_of_a_server(line: u64) {
    // Something that does not repeat itself, as identifiers do not.
    let id = line.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (user, room, duration_ms) = (id % 1_000, id % 97, (id % 10_000) as f64 / 1_000.0);
    tracing::info!(
        event = "message_delivered",
        user = %format_args!("user-{user}"),
        room = %format_args!("room-{room}"),
        trace_id = %format_args!("{:032x}", u128::from(id) << 64 | u128::from(id.rotate_left(17))),
        duration_ms,
        "message delivered"
    );
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
