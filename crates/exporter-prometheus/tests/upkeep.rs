//! What other crates observe does not pile up while nobody scrapes.

use campanile_exporter_prometheus::Config;
use campanile_metrics::{Exporter, Registry};
use metrics::{Key, Level, Metadata, Recorder};
use std::time::{Duration, Instant};
use tikv_jemalloc_ctl::{epoch, stats};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const OBSERVATIONS: u32 = 1_000_000;
/// What an observation takes at least until it is sorted in.
const BYTES_EACH: usize = 16;

#[tokio::test]
async fn what_was_observed_without_a_catalogue_is_sorted_in_without_a_scrape() {
    let exporter = Config { port: 0, ..Config::default() }.bind().expect("a free port");
    let store = exporter.store();
    let registry = Registry::builder().exporter(&exporter).build();
    let running = Box::new(exporter).start(&registry).expect("it starts");
    let key = Key::from_name("another_crate_seconds");
    let metadata = Metadata::new("another crate", Level::INFO, None);
    let histogram = store.register_histogram(&key, &metadata);
    let before = allocated();
    for number in 0..OBSERVATIONS {
        histogram.record(f64::from(number % 100));
    }
    let full = allocated();
    let all = OBSERVATIONS as usize * BYTES_EACH;
    assert!(full - before >= all, "{before} bytes, and then {full}: they wait");
    let deadline = Instant::now() + Duration::from_secs(30);
    while allocated() > before + all / 10 {
        assert!(Instant::now() < deadline, "{} bytes still wait", allocated() - before);
        // What was let go is given back a little later, when somebody observes again.
        histogram.record(1.0);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.stop().await;
}

fn allocated() -> usize {
    epoch::advance().expect("a new epoch");
    stats::allocated::read().expect("jemalloc tells")
}
