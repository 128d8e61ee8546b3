//! What the catalogue adds to the cost of recording, with and without a recorder.

use std::hint::black_box;

use campanile_metrics::testing::Recording;
use campanile_metrics::{Registry, catalogue, labels};
use criterion::{Criterion, criterion_group, criterion_main};

labels! {
    /// Which way.
    pub enum Way("way") { In = "in", Out = "out" }
}
labels! {
    /// What became of it.
    pub enum Outcome("result") { Ok = "ok", Rejected = "rejected", Error = "error" }
}
catalogue! {
    /// What is recorded.
    pub struct Sample {
        /// Events.
        counter events(Way, Outcome) = "chat_events_total";
        /// How many now.
        gauge now(Way) = "chat_now";
    }
}

fn record(criterion: &mut Criterion) {
    let none = Registry::builder().build();
    let recording = Recording::new();
    for (name, registry) in [("no-op", &none), ("recorder", recording.registry())] {
        let sample = Sample::register(registry);
        let counter = sample.events.handle(Way::In, Outcome::Ok);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("counter handle", |bencher| bencher.iter(|| counter.increment()));
        group.bench_function("counter by labels", |bencher| {
            bencher
                .iter(|| sample.events.increment(black_box(Way::Out), black_box(Outcome::Error)));
        });
        group
            .bench_function("counter batch", |bencher| bencher.iter(|| counter.add(black_box(64))));
        group.bench_function("gauge set", |bencher| {
            bencher.iter(|| sample.now.set(black_box(5), black_box(Way::In)));
        });
        group.finish();
    }
}

criterion_group!(benches, record);
criterion_main!(benches);
