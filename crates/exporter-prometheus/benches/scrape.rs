//! What a scrape of 10 000 series costs, and what recording costs with and without it.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use campanile_exporter_prometheus::{Config, Format, Naming, Store};
use campanile_metrics::{Exporter, Registry, Sink, buckets, catalogue, labels};
use criterion::{Criterion, criterion_group, criterion_main};

labels! {
    /// One of many.
    pub struct Item("item", max 64);
}
labels! {
    /// What became of it.
    pub enum Outcome("result") {
        Ok = "ok", Rejected = "rejected", Duplicate = "duplicate", Failed = "failed",
    }
}
catalogue! {
    /// About ten thousand series: 20 families of counters, 10 of gauges, 3 of histograms.
    pub struct Many {
        /// Events of a kind.
        counter c00(Item, Outcome) = "chat_c00_total";
        /// Events of a kind.
        counter c01(Item, Outcome) = "chat_c01_total";
        /// Events of a kind.
        counter c02(Item, Outcome) = "chat_c02_total";
        /// Events of a kind.
        counter c03(Item, Outcome) = "chat_c03_total";
        /// Events of a kind.
        counter c04(Item, Outcome) = "chat_c04_total";
        /// Events of a kind.
        counter c05(Item, Outcome) = "chat_c05_total";
        /// Events of a kind.
        counter c06(Item, Outcome) = "chat_c06_total";
        /// Events of a kind.
        counter c07(Item, Outcome) = "chat_c07_total";
        /// Events of a kind.
        counter c08(Item, Outcome) = "chat_c08_total";
        /// Events of a kind.
        counter c09(Item, Outcome) = "chat_c09_total";
        /// Events of a kind.
        counter c10(Item, Outcome) = "chat_c10_total";
        /// Events of a kind.
        counter c11(Item, Outcome) = "chat_c11_total";
        /// Events of a kind.
        counter c12(Item, Outcome) = "chat_c12_total";
        /// Events of a kind.
        counter c13(Item, Outcome) = "chat_c13_total";
        /// Events of a kind.
        counter c14(Item, Outcome) = "chat_c14_total";
        /// Events of a kind.
        counter c15(Item, Outcome) = "chat_c15_total";
        /// How many now.
        gauge g00(Item, Outcome) = "chat_g00";
        /// How many now.
        gauge g01(Item, Outcome) = "chat_g01";
        /// How many now.
        gauge g02(Item, Outcome) = "chat_g02";
        /// How many now.
        gauge g03(Item, Outcome) = "chat_g03";
        /// How many now.
        gauge g04(Item, Outcome) = "chat_g04";
        /// How many now.
        gauge g05(Item, Outcome) = "chat_g05";
        /// How many now.
        gauge g06(Item, Outcome) = "chat_g06";
        /// How many now.
        gauge g07(Item, Outcome) = "chat_g07";
        /// Time taken.
        histogram h00(Item) = "chat_h00_seconds" [Seconds] buckets buckets::LATENCY;
        /// Time taken.
        histogram h01(Item) = "chat_h01_seconds" [Seconds] buckets buckets::LATENCY;
        /// Time taken.
        histogram h02(Item) = "chat_h02_seconds" [Seconds] buckets buckets::LATENCY;
        /// Time taken.
        histogram h03(Outcome) = "chat_h03_seconds" [Seconds] buckets buckets::LATENCY;
    }
}

fn start(store: &Arc<Store>) -> (Registry, Many) {
    let items = (0..63).map(|item| format!("item-{item}"));
    let sink: Arc<dyn Sink> = Arc::clone(store) as _;
    let registry = Registry::builder().sink(sink).values::<Item>(items).build();
    let many = Many::register(&registry);
    (registry, many)
}

fn scrape(criterion: &mut Criterion) {
    let store = Arc::new(Store::new());
    let (registry, many) = start(&store);
    for item in 0..63 {
        let item: Item = registry.label(&format!("item-{item}"));
        many.c00.add(123_456, item, Outcome::Ok);
        many.h00.observe(0.03, item);
    }
    let naming = Naming::declared();
    let series = store.render(Format::Text, &naming).series;
    let mut group = criterion.benchmark_group(format!("scrape of {series} series"));
    for format in [Format::Text, Format::OpenMetrics] {
        group.bench_function(format.values()[0], |bencher| {
            bencher.iter(|| store.render(black_box(format), &naming));
        });
    }
    let other = Naming::with_prefix("talk_").expect("a fine prefix");
    group.bench_function("another prefix", |bencher| {
        bencher.iter(|| store.render(black_box(Format::OpenMetrics), &other));
    });
    group.finish();
}

/// A whole scrape over a socket, as Prometheus makes it.
fn request(criterion: &mut Criterion) {
    let exporter = Config { port: 0, ..Config::default() }.bind().expect("a free port");
    let address = exporter.address();
    let (registry, _many) = start(&exporter.store());
    let _running = Box::new(exporter).start(&registry).expect("it starts");
    let mut group = criterion.benchmark_group("scrape over HTTP");
    for encoding in ["identity", "gzip"] {
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Accept: application/openmetrics-text\r\nAccept-Encoding: {encoding}\r\n\r\n"
        );
        group.bench_function(encoding, |bencher| {
            bencher.iter(|| {
                let mut stream = TcpStream::connect(address).expect("it listens");
                stream.write_all(request.as_bytes()).expect("sent");
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).expect("answered");
                assert!(answer.starts_with(b"HTTP/1.1 200"));
                answer.len()
            });
        });
    }
    group.finish();
}

fn record(criterion: &mut Criterion) {
    let store = Arc::new(Store::new());
    let (with, _) = start(&store);
    let without = Registry::builder().values::<Item>(["item-0"]).build();
    for (name, registry) in [("no-op", &without), ("recorder", &with)] {
        let many = Many::register(registry);
        let item: Item = registry.label("item-0");
        let counter = many.c00.handle(item, Outcome::Ok);
        let histogram = many.h00.handle(item);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("counter handle", |bencher| bencher.iter(|| counter.increment()));
        group.bench_function("counter by labels", |bencher| {
            bencher.iter(|| many.c01.increment(black_box(item), black_box(Outcome::Failed)));
        });
        group.bench_function("gauge set", |bencher| {
            bencher.iter(|| many.g00.set(black_box(5), black_box(item), Outcome::Ok));
        });
        group.bench_function("histogram", |bencher| {
            bencher.iter(|| histogram.observe(black_box(0.03)));
        });
        group.bench_function("histogram, a thousand at once", |bencher| {
            bencher.iter(|| histogram.observe_many(black_box(0.03), black_box(1000)));
        });
        group.finish();
    }
}

criterion_group!(benches, scrape, request, record);
criterion_main!(benches);
