//! A scene: what was seen before, what is seen now, and which metrics were looked at.

use crate::support::{Server, User, socket::Socket, until};
use campanile_metrics::{Kind, testing::Probe};
use campanile_server::catalogue;
use serde_json::json;
use std::{cell::RefCell, collections::BTreeSet};

/// A case: its name, and the metrics that it moves.
pub(crate) type Moves = (&'static str, &'static [&'static str]);

/// Where people are when they are connected over a WebSocket.
pub(crate) const WEBSOCKET: (&str, &str) = ("transport", "websocket");
/// Where people are when they hear a stream of events.
pub(crate) const SSE: (&str, &str) = ("transport", "sse");
/// The application of the native protocol.
pub(crate) const NATIVE: (&str, &str) = ("app", "native");

/// Makes a test of each case, and the list of what they move.
macro_rules! cases {
    ($($(#[doc = $doc:literal])* $name:ident moves [$($metric:literal),+ $(,)?] $run:expr;)+) => {
        /// What the cases of this group move.
        pub(crate) const CASES: &[$crate::scene::Moves] =
            &[$((stringify!($name), &[$($metric),+])),+];

        $(
            $(#[doc = $doc])*
            #[test]
            fn $name() {
                $crate::scene::play(&[$($metric),+], $run);
            }
        )+
    };
}
pub(crate) use cases;

/// Plays a case, and fails when it did not look at all it says it moves.
pub(crate) fn play(metrics: &[&str], run: impl FnOnce(&Scene)) {
    let scene = Scene::default();
    run(&scene);
    let seen = scene.seen.into_inner();
    let unseen: Vec<_> = metrics.iter().filter(|metric| !seen.contains(**metric)).collect();
    assert!(unseen.is_empty(), "the case does not look at {unseen:?}");
}

/// Which metrics were looked at.
#[derive(Default)]
pub(crate) struct Scene {
    seen: RefCell<BTreeSet<&'static str>>,
}

impl Scene {
    /// Waits until a series is so much higher than before, and not more.
    #[track_caller]
    pub(crate) fn rose(
        &self,
        server: &Server,
        before: &Probe,
        series: (&str, &[(&str, &str)]),
        by: f64,
    ) {
        let (name, labels) = series;
        self.note(name);
        let earlier = before.value(name, labels).unwrap_or_else(|| absent(name, labels));
        let wanted = earlier + by;
        let now = wait_for(server, |probe| probe.value(name, labels), wanted);
        assert!(now == Some(wanted), "{name}{labels:?} is {now:?} and should be {wanted}");
    }

    /// The same for all series of a name together.
    #[track_caller]
    pub(crate) fn total_rose(&self, server: &Server, before: &Probe, name: &str, by: f64) {
        self.note(name);
        let wanted = before.sum(name) + by;
        let now = wait_for(server, |probe| Some(probe.sum(name)), wanted);
        assert!(now == Some(wanted), "{name} adds up to {now:?} and should to {wanted}");
    }

    /// Waits until a gauge says this.
    #[track_caller]
    pub(crate) fn is(&self, server: &Server, name: &str, labels: &[(&str, &str)], wanted: f64) {
        self.note(name);
        let now = wait_for(server, |probe| probe.value(name, labels), wanted);
        assert!(now == Some(wanted), "{name}{labels:?} is {now:?} and should be {wanted}");
    }

    /// Waits until a series is as wanted, where it cannot be known exactly.
    #[track_caller]
    pub(crate) fn becomes(
        &self,
        server: &Server,
        series: (&str, &[(&str, &str)]),
        wanted: impl Fn(f64) -> bool,
    ) -> f64 {
        let (name, labels) = series;
        self.note(name);
        until(name, || {
            let value = server.scrape().value(name, labels);
            value.or_else(|| absent(name, labels)).filter(|value| wanted(*value))
        })
    }

    /// Notes that a metric was looked at in another way.
    pub(crate) fn note(&self, series: &str) {
        let family = catalogue::all().find(|description| match description.kind {
            Kind::Histogram => series
                .strip_prefix(description.name)
                .is_some_and(|end| ["_count", "_sum", "_bucket"].contains(&end)),
            _ => description.name == series,
        });
        let family = family.unwrap_or_else(|| panic!("{series} is of no declared metric"));
        self.seen.borrow_mut().insert(family.name);
    }
}

/// Somebody connected who listens to a room.
pub(crate) fn listener(server: &Server, user: &User, room: &str) -> Socket {
    let mut socket = Socket::of(server, user);
    socket.ask(json!({"op": "join", "room": room}));
    socket
}

/// The value once it is as wanted, or what it is when patience ends.
fn wait_for(server: &Server, read: impl Fn(&Probe) -> Option<f64>, wanted: f64) -> Option<f64> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let now = read(&server.scrape());
        if now == Some(wanted) || std::time::Instant::now() > deadline {
            return now;
        }
        std::thread::yield_now();
    }
}

fn absent<T>(name: &str, labels: &[(&str, &str)]) -> T {
    panic!("{name}{labels:?} is not there: every series exists from the first scrape")
}
