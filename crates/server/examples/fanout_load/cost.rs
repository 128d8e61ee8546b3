//! How much CPU of the server one delivery costs, in two ways of sending.
//!
//! Saturated keeps many messages on their way, so that frames wait together and leave in one
//! write. One by one sends the next message only when everybody has heard the last, so that each
//! delivery wakes its connection and is a write of its own. That costs most of what the system takes
//! for a write, so what a bare loop of such writes costs is measured beside it.

use crate::{
    bare,
    child::Recorder,
    crowd::{Crowd, Scene},
    server::{Server, Setup},
};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How people are spread.
    #[arg(long, default_value = "fanout")]
    scene: Scene,
    /// Where metrics go.
    #[arg(long, default_value = "real")]
    recorder: Recorder,
    /// Listeners, of all rooms.
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Seconds for each of the two ways.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
    /// Messages on their way when saturated.
    #[arg(long, default_value_t = 64)]
    window: u64,
    /// Fails when a delivery costs more microseconds of CPU, when saturated.
    #[arg(long)]
    saturated_max: Option<f64>,
    /// Fails when a delivery costs more microseconds of CPU, one by one.
    #[arg(long)]
    one_by_one_max: Option<f64>,
    /// Runs the server under another program, such as a profiler.
    #[arg(long, value_delimiter = ' ', allow_hyphen_values = true)]
    under: Vec<String>,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<()> {
    let setup = Setup {
        recorder: arguments.recorder,
        ballast: false,
        shared: None,
        under: &arguments.under,
    };
    let server = Server::start(setup).await?;
    let mut crowd = Crowd::gather(&server, arguments.scene, arguments.listeners).await?;
    // Once to warm up what is measured afterwards.
    crowd.saturate(arguments.body_bytes, arguments.window, Duration::from_secs(2)).await?;
    let saturated = arguments.run(&mut crowd, &server, arguments.window).await?;
    report("saturated", &saturated);
    let one_by_one = arguments.run(&mut crowd, &server, 1).await?;
    report("one by one", &one_by_one);
    drop(crowd);
    drop(server);
    let time = Duration::from_secs(arguments.seconds);
    let bare = bare::micros_per_write(arguments.listeners, arguments.body_bytes, time).await?;
    report_bare(bare, one_by_one.micros() / bare);
    check(saturated.micros(), arguments.saturated_max)?;
    check(one_by_one.micros(), arguments.one_by_one_max)
}

/// What was measured.
struct Measured {
    deliveries: u64,
    cpu: Duration,
    time: Duration,
}

impl Arguments {
    async fn run(&self, crowd: &mut Crowd, server: &Server, window: u64) -> Result<Measured> {
        let (cpu, started) = (server.cpu()?, Instant::now());
        let time = Duration::from_secs(self.seconds);
        let deliveries = crowd.saturate(self.body_bytes, window, time).await?;
        Ok(Measured { deliveries, cpu: server.cpu()? - cpu, time: started.elapsed() })
    }
}

impl Measured {
    fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.deliveries as f64
    }
}

fn check(micros: f64, max: Option<f64>) -> Result<()> {
    ensure!(max.is_none_or(|max| micros <= max), "a delivery costs too much: {micros:.2} µs");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report(what: &str, measured: &Measured) {
    let rate = measured.deliveries as f64 / measured.time.as_secs_f64();
    println!(
        "{what}: {:.2} µs of server CPU per delivery, {rate:.0} deliveries/s, {} in all",
        measured.micros(),
        measured.deliveries,
    );
}

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report_bare(micros: f64, ratio: f64) {
    println!(
        "a bare loop of writes: {micros:.2} µs of CPU each, and one by one is {ratio:.2} of it"
    );
}
