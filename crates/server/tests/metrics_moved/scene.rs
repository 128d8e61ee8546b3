//! A scene: what was seen before, what is seen now, and which metrics were looked at.

use crate::support::{Server, User, socket::Socket, until};
use campanile_metrics::{Description, Kind, testing::Probe};
use campanile_server::catalogue;
use serde_json::json;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

/// A case: its name, and what it moves, each as [`Declared::parse`] reads it.
pub(crate) type Moves = (&'static str, &'static [&'static str]);

/// A metric that a case moves, and the values of its labels with which it does.
pub(crate) struct Declared {
    pub(crate) metric: &'static str,
    /// Labels with a value each.
    pub(crate) values: BTreeSet<(&'static str, &'static str)>,
}

impl Declared {
    /// Reads `chat_x_total{reason=full|late,way=in}`.
    pub(crate) fn parse(text: &'static str) -> Self {
        let (metric, labels) = text.split_once('{').unwrap_or((text, "}"));
        let labels = labels.strip_suffix('}').expect("a brace that closes");
        let labels = labels.split(',').filter(|label| !label.is_empty());
        let values = labels.flat_map(|label| {
            let (label, values) = label.split_once('=').expect("a label and its values");
            values.split('|').map(move |value| (label, value))
        });
        Self { metric, values: values.collect() }
    }
}

/// How long after a series is as wanted it is looked at again: what is counted twice may be
/// counted late.
const LATE: Duration = Duration::from_millis(50);

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
pub(crate) fn play(metrics: &'static [&'static str], run: impl FnOnce(&Scene)) {
    let scene = Scene::default();
    run(&scene);
    let seen = scene.seen.into_inner();
    let none = BTreeSet::new();
    for declared in metrics.iter().copied().map(Declared::parse) {
        let Declared { metric, values } = declared;
        let moved = seen.get(metric).unwrap_or_else(|| panic!("the case never looks at {metric}"));
        let unmoved: Vec<_> = values.difference(moved).collect();
        assert!(unmoved.is_empty(), "the case does not move {metric} with {unmoved:?}");
    }
    let declared = metrics.iter().copied().map(Declared::parse);
    let declared: BTreeMap<_, _> = declared.map(|one| (one.metric, one.values)).collect();
    for (metric, moved) in &seen {
        let told = declared.get(metric).unwrap_or(&none);
        let untold: Vec<_> = moved.difference(told).collect();
        assert!(untold.is_empty(), "the case moves {metric} with {untold:?} too: declare it");
    }
}

/// Which metrics were looked at, and the label values with which they were seen to move.
#[derive(Default)]
pub(crate) struct Scene {
    seen: RefCell<BTreeMap<&'static str, BTreeSet<(&'static str, &'static str)>>>,
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
        assert!(by > 0.0, "what does not rise stays");
        self.moved(name, labels);
        let earlier = before.value(name, labels).unwrap_or_else(|| absent(name, labels));
        let wanted = earlier + by;
        let now = wait_for(server, |probe| probe.value(name, labels), wanted);
        assert!(now == Some(wanted), "{name}{labels:?} is {now:?} and should be {wanted}");
        linger(LATE);
        let later = server.scrape().value(name, labels);
        assert!(later == now, "{name}{labels:?} is {later:?} a little later, after {wanted}");
    }

    /// Looks until what moves has moved, and sees that a series is as it was.
    #[track_caller]
    pub(crate) fn stays(&self, server: &Server, before: &Probe, series: (&str, &[(&str, &str)])) {
        let (name, labels) = series;
        self.note(name);
        let earlier = before.value(name, labels).unwrap_or_else(|| absent(name, labels));
        let deadline = Instant::now() + 4 * LATE;
        while Instant::now() < deadline {
            let now = server.scrape().value(name, labels);
            assert!(now == Some(earlier), "{name}{labels:?} is {now:?} and was {earlier}");
            linger(LATE / 4);
        }
    }

    /// The same for all series of a name together.
    #[track_caller]
    pub(crate) fn total_rose(&self, server: &Server, before: &Probe, name: &str, by: f64) {
        self.note(name);
        let wanted = before.sum(name) + by;
        let now = wait_for(server, |probe| Some(probe.sum(name)), wanted);
        assert!(now == Some(wanted), "{name} adds up to {now:?} and should to {wanted}");
        linger(LATE);
        let later = server.scrape().sum(name);
        assert!(later == wanted, "{name} adds up to {later} a little later, after {wanted}");
    }

    /// Waits until a gauge says this.
    #[track_caller]
    pub(crate) fn is(&self, server: &Server, name: &str, labels: &[(&str, &str)], wanted: f64) {
        match wanted {
            0.0 => _ = self.note(name),
            _ => self.moved(name, labels),
        }
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
        self.moved(name, labels);
        until(name, || {
            let value = server.scrape().value(name, labels);
            value.or_else(|| absent(name, labels)).filter(|value| wanted(*value))
        })
    }

    /// Notes that a series was seen to move in another way.
    pub(crate) fn moved(&self, series: &str, labels: &[(&str, &str)]) {
        let family = self.note(series);
        let known = family.labels.as_slice().iter().flat_map(|label| {
            // What configuration names is nothing that a case could leave out.
            label.values().into_iter().map(|value| (label.key, value))
        });
        let moved = known.filter(|known| labels.contains(known));
        let mut seen = self.seen.borrow_mut();
        seen.entry(family.name).or_default().extend(moved);
    }

    /// Notes that a metric was looked at in another way.
    pub(crate) fn note(&self, series: &str) -> &'static Description {
        let family = catalogue::all().find(|description| match description.kind {
            Kind::Histogram => series
                .strip_prefix(description.name)
                .is_some_and(|end| ["_count", "_sum", "_bucket"].contains(&end)),
            _ => description.name == series,
        });
        let family = family.unwrap_or_else(|| panic!("{series} is of no declared metric"));
        self.seen.borrow_mut().entry(family.name).or_default();
        family
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
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let now = read(&server.scrape());
        if now == Some(wanted) || Instant::now() > deadline {
            return now;
        }
        thread::yield_now();
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing tells that nothing more comes")]
fn linger(time: Duration) {
    thread::sleep(time);
}

fn absent<T>(name: &str, labels: &[(&str, &str)]) -> T {
    panic!("{name}{labels:?} is not there: every series exists from the first scrape")
}
