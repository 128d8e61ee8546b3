//! A bakery that counts: declare, register, record, read.
//!
//! `cargo run -p campanile-metrics --example bakery`

use std::io::{self, Write};
use std::time::Duration;

use campanile_metrics::testing::Recording;
use campanile_metrics::{Registry, buckets, catalogue, labels};

labels! {
    /// What is baked.
    pub enum Bread("bread") { Rye = "rye", Wheat = "wheat" }
}
labels! {
    /// A shop, as configuration names it.
    pub struct Shop("shop", max 8);
}
catalogue! {
    /// What the bakery does.
    pub struct BakeryMetrics {
        /// Loaves sold.
        counter sold(Shop, Bread) = "chat_loaves_sold_total";
        /// Loaves in the oven.
        gauge baking() = "chat_loaves_baking";
        /// Time from dough to loaf.
        histogram bake_time(Bread) = "chat_bake_duration_seconds" [Seconds]
            buckets buckets::LIFETIME;
    }
}

/// Bakes one loaf. What it counts is handed in, not looked up somewhere.
fn bake(bread: Bread, metrics: &BakeryMetrics) {
    let _in_the_oven = metrics.baking.guard();
    metrics.bake_time.observe(Duration::from_secs(45 * 60), bread);
}

fn main() -> io::Result<()> {
    let recording = Recording::with(Registry::builder().values::<Shop>(["market", "harbour"]));
    let registry = recording.registry();
    let metrics = BakeryMetrics::register(registry);

    bake(Bread::Rye, &metrics);
    metrics.sold.increment(registry.label("market"), Bread::Rye);
    let wheat_at_the_harbour = metrics.sold.handle(registry.label("harbour"), Bread::Wheat);
    wheat_at_the_harbour.add(12);
    metrics.sold.increment(registry.label("a stall nobody configured"), Bread::Wheat);

    let mut out = io::stdout().lock();
    for known in registry.descriptions() {
        writeln!(out, "{:40} at most {:3} series  {}", known.name, known.series_max(), known.help)?;
    }
    writeln!(out)?;
    for (name, labels, value) in recording.probe().iter() {
        writeln!(out, "{name} {labels:?} = {value}")?;
    }
    Ok(())
}
