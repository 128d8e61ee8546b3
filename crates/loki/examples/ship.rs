//! Lines on their way: to a Loki whose URL is given, or else to one that this program has itself,
//! which goes away for a while.
//!
//! `cargo run -p campanile-loki --example ship [-- http://127.0.0.1:3100]`

#![expect(clippy::print_stdout, reason = "it is an example that shows something")]

#[path = "../tests/stand_in/mod.rs"]
mod stand_in;

use campanile_loki::{Config, Shipper};
use campanile_metrics::Registry;
use stand_in::{StandIn, eventually};
use std::{error::Error, time::Duration};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args().nth(1);
    let loki = given.is_none().then(StandIn::start);
    let config = Config {
        url: given.or(loki.as_ref().map(StandIn::url)).unwrap_or_default(),
        service: "example".to_owned(),
        ..Config::default()
    };
    let (layer, shipper) = config.start()?;
    shipper.register(Registry::global());
    tracing_subscriber::registry().with(layer).init();

    tracing::info!(user = "ada", "the bell rings");
    eventually("it is sent", || shipper.status().sent == 1);
    tell("one line", &shipper);

    if let Some(loki) = &loki {
        loki.go_down();
    }
    for line in 0..1_000 {
        tracing::info!(line, "the bell rings again");
    }
    if let Some(loki) = &loki {
        eventually("it is tried again", || shipper.status().retries > 0);
        tell("in an outage", &shipper);
        loki.come_up();
    }
    println!("{:?}", shipper.flush(Duration::from_secs(10)));
    tell("at the end", &shipper);
    if let Some(loki) = loki {
        let seen = loki.lock();
        let entry = seen.entries.first().ok_or("nothing came")?;
        println!("Loki has {} lines, the first of which is", seen.lines);
        println!("{:?} {}", entry.labels, entry.line);
    }
    Ok(())
}

fn tell(when: &str, shipper: &Shipper) {
    let status = shipper.status();
    println!(
        "{when}: {} accepted, {} sent, {} waiting, {} dropped; {}",
        status.accepted,
        status.sent,
        status.queued,
        status.dropped_in_all(),
        status.trouble.as_deref().unwrap_or("all is well"),
    );
}
