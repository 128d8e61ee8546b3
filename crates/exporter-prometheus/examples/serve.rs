//! Serves the metrics of this very process, and a counter, until it is interrupted.
//!
//! `cargo run -p campanile-exporter-prometheus --example serve -- 9601`, and then
//! `curl http://127.0.0.1:9601/metrics`.

use std::io::Write;
use std::time::Duration;

use campanile_exporter_prometheus::Config;
use campanile_metrics::standard::{
    BuildMetrics, LagProbe, MachineMetrics, ProcessMetrics, RuntimeWatch, Volume, VolumeMetrics,
    Worker, worker_names,
};
use campanile_metrics::{Exporter, Registry, catalogue};

catalogue! {
    /// What this example does.
    pub struct ExampleMetrics {
        /// Seconds counted one by one.
        counter ticks() = "chat_example_ticks_total";
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(9601), |port| port.parse())?;
    let exporter: Box<dyn Exporter> = Box::new(Config { port, ..Config::default() }.bind()?);
    writeln!(std::io::stdout(), "{}", exporter.endpoint())?;

    let registry = Registry::builder()
        .exporter(&*exporter)
        .values::<Worker>(worker_names(2))
        .values::<Volume>(["data"])
        .build();
    ProcessMetrics::install(&registry);
    MachineMetrics::install(&registry);
    VolumeMetrics::install(&registry, [(registry.label("data"), std::env::current_dir()?)]);
    RuntimeWatch::install(&registry).add(tokio::runtime::Handle::current());
    let build = BuildMetrics::register(&registry).build;
    build.set([env!("CARGO_PKG_VERSION"), "example", "unknown", "example"]);
    let lag = tokio::spawn(LagProbe::register(&registry).run());
    let ticks = ExampleMetrics::register(&registry).ticks;

    let running = exporter.start(&registry)?;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = seconds.tick() => ticks.increment(),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
        }
    }
    lag.abort();
    running.stop().await;
    Ok(())
}
