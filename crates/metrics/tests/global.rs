//! Using one of these crates alone: the recorder that the process installed is enough.

use campanile_metrics::testing::Recording;
use campanile_metrics::{Registry, catalogue};

catalogue! {
    /// What somebody else's program does.
    pub struct Alone {
        /// Things done.
        counter done() = "chat_done_total";
        /// Time taken.
        histogram took() = "chat_took_seconds" [Seconds] buckets &[1.0];
        /// How many now.
        gauge now() = "chat_now";
    }
}

#[test]
fn the_global_registry_records_where_the_process_does() {
    let recording = Recording::new();
    metrics::set_global_recorder(recording.recorder()).expect("the first one");
    let alone = Alone::register(Registry::global());
    alone.done.add(2);
    alone.took.observe(0.5);
    alone.now.set(4);
    metrics::counter!("chat_done_total").increment(1);

    let probe = recording.probe();
    assert_eq!(probe.value("chat_done_total", &[]), Some(3.0));
    assert_eq!(probe.value("chat_took_seconds_count", &[]), Some(1.0));
    assert_eq!(probe.value("chat_now", &[]), Some(4.0));
}
