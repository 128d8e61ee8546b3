//! How much of the server's CPU goes into recording metrics.
//!
//! Two servers of the same program take turns under the same load: one records, the other has a
//! recorder that does nothing. Two turns one after the other are a pair, and whoever was first
//! is second in the next; what else the machine does hits both.

use crate::{
    child::Recorder,
    crowd::{Crowd, Scene},
    server::{Server, Setup},
    statistics::quartiles,
};
use anyhow::Result;
use std::time::Duration;

/// What is compared, and how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How people are spread.
    #[arg(long, default_value = "fanout")]
    scene: Scene,
    /// What records.
    #[arg(long, default_value = "real")]
    recorder: Recorder,
    /// What recording is compared with. Compared with itself it shows what chance does.
    #[arg(long, default_value = "noop")]
    against: Recorder,
    /// Listeners of each server, of all rooms.
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Pairs of turns.
    #[arg(long, default_value_t = 30)]
    pairs: usize,
    /// Seconds of one turn.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
    /// Messages on their way; with 1 the server is not saturated, and each delivery is a write.
    #[arg(long, default_value_t = 64)]
    window: u64,
}

pub(crate) async fn compare(arguments: &Arguments) -> Result<()> {
    let mut recording = arguments.contender(arguments.recorder).await?;
    let mut other = arguments.contender(arguments.against).await?;
    let mut ratios = Vec::new();
    // The first pair warms up and is not counted.
    for pair in 0..=arguments.pairs {
        let (ours, theirs);
        if pair % 2 == 0 {
            ours = arguments.turn(&mut recording).await?;
            theirs = arguments.turn(&mut other).await?;
        } else {
            theirs = arguments.turn(&mut other).await?;
            ours = arguments.turn(&mut recording).await?;
        }
        if pair > 0 {
            ratios.push(ours / theirs);
            recording.costs.push(ours);
            other.costs.push(theirs);
        }
    }
    report("recording, µs of CPU per delivery", &recording.costs);
    report("the other, µs of CPU per delivery", &other.costs);
    report("recording to the other", &ratios);
    let stores = arguments.recorder.stores().saturating_sub(arguments.against.stores());
    if stores > 1 {
        let one: Vec<f64> = ratios.iter().map(|ratio| (ratio - 1.0) / stores as f64).collect();
        report("what one store adds", &one);
    }
    Ok(())
}

/// One server, its clients and what its deliveries cost, in microseconds of CPU.
struct Contender {
    server: Server,
    crowd: Crowd,
    costs: Vec<f64>,
}

impl Arguments {
    async fn contender(&self, recorder: Recorder) -> Result<Contender> {
        let server =
            Server::start(Setup { recorder, ballast: false, shared: None, under: &[] }).await?;
        let crowd = Crowd::gather(&server, self.scene, self.listeners).await?;
        Ok(Contender { server, crowd, costs: Vec::new() })
    }

    async fn turn(&self, contender: &mut Contender) -> Result<f64> {
        let before = contender.server.cpu()?;
        let time = Duration::from_secs(self.seconds);
        let deliveries = contender.crowd.saturate(self.body_bytes, self.window, time).await?;
        let cpu = contender.server.cpu()? - before;
        Ok(cpu.as_secs_f64() * 1e6 / deliveries as f64)
    }
}

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report(what: &str, values: &[f64]) {
    println!("{what}: {}", quartiles(values));
}
