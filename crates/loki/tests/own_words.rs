//! What the shipper says itself: once for each trouble, to the other layers, never to the log
//! store. It is about the whole process, so it is the only test of this program.

mod stand_in;

use campanile_loki::{Config, DropReason};
use campanile_metrics::{Registry, testing::Recording};
use stand_in::{Manner, StandIn, eventually};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

/// Another layer, which hears what the process says.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(Level, String)>>>);

struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        *self.0 += &format!("{}={value:?} ", field.name());
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = String::new();
        event.record(&mut Message(&mut text));
        let of_whom = event.metadata().target();
        self.0
            .lock()
            .expect("whole")
            .push((*event.metadata().level(), format!("{of_whom}: {text}")));
    }
}

impl Heard {
    /// How often the shipper itself, or what it uses, said something like this.
    fn count(&self, level: Level, text: &str) -> usize {
        let heard = self.0.lock().expect("whole");
        heard.iter().filter(|(l, said)| *l <= level && said.contains(text)).count()
    }
}

#[test]
fn troubles_are_told_once_and_never_shipped() {
    let recording = Recording::new();
    metrics::set_global_recorder(recording.recorder()).expect("the first one");
    let loki = StandIn::start();
    let config = Config {
        url: loki.url(),
        linger: Duration::from_millis(1),
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(5),
        ..Config::default()
    };
    let (layer, shipper) = config.start().expect("it starts");
    shipper.register(Registry::global());
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry().with(layer).with(heard.clone());
    tracing::subscriber::set_global_default(subscriber).expect("the first one");

    for round in 1..=2 {
        // Away, and back.
        loki.behave(Manner::Answer(500, "no replicas"));
        let retries = shipper.status().retries;
        tracing::info!("hello");
        eventually("it is tried again", || shipper.status().retries >= retries + 3);
        loki.behave(Manner::Loki);
        eventually("it is sent", || shipper.status().sent == round);
        eventually("it is told", || heard.count(Level::INFO, "takes lines again") as u64 == round);
        assert_eq!(heard.count(Level::WARN, "they wait") as u64, round);
        assert_eq!(heard.count(Level::WARN, "no replicas") as u64, round);
    }

    // Refused, again and again.
    loki.behave(Manner::Answer(400, "too far behind"));
    for line in 1..=3 {
        tracing::info!("hello");
        eventually("it is refused", || shipper.status().dropped(DropReason::Rejected) == line);
    }
    assert_eq!(heard.count(Level::WARN, "too far behind"), 1);

    // The HTTP clients and servers say a lot, none of which was shipped.
    assert!(heard.count(Level::TRACE, "hyper") > 10);
    loki.behave(Manner::Loki);
    let report = shipper.flush(Duration::from_secs(60));
    let status = shipper.status();
    assert_eq!((report.dropped, status.accepted, status.sent), (0, 5, 2));
    let messages = loki.lock().messages();
    assert_eq!(messages, ["hello", "hello"]);

    // The registry of the process shows it without being asked to collect.
    let value = |name: &str| recording.probe().value(name, &[]);
    assert_eq!(value("chat_log_shipper_entries_sent_total"), Some(2.0));
    assert_eq!(recording.probe().sum("chat_log_shipper_entries_dropped_total"), 3.0);
}
