//! An outbox keeps order, keeps its bounds, and counts what it wrote and what it gave up.

mod direct;

use super::*;
use crate::{fanout::Origin, labels::ChannelType};
use crate::{metrics::ChatMetrics, metrics::NATIVE_APP, port::Clock, time::Timestamp};
use campanile_metrics::{Batch, Registry, testing::Recording};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

#[derive(Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn moment(&self) -> Moment {
        Moment(self.0.load(Ordering::Relaxed))
    }
}

struct Fixture {
    recording: Recording,
    clock: Arc<HandClock>,
    waiting: Arc<AtomicUsize>,
    outbox: Rc<Outbox>,
    round: Rc<Round>,
    /// Another outbox of the same worker.
    another: Box<dyn Fn() -> Rc<Outbox>>,
}

const MESSAGE: Class = Class::Message(ChannelType::Public, Origin::Here);

fn fixture() -> Fixture {
    fixture_of(100)
}

/// With room for so many bytes.
fn fixture_of(outbox_bytes_max: usize) -> Fixture {
    let builder = Registry::builder().values::<crate::metrics::App>([NATIVE_APP]);
    let recording = Recording::with(builder);
    let metrics = Arc::new(ChatMetrics::register(recording.registry()));
    let (clock, waiting) = (Arc::new(HandClock::default()), Arc::new(AtomicUsize::new(0)));
    // Without a batch everything is written at once.
    let (native, batch) = (metrics.native, Batch::new());
    let tally = Rc::new(Tally::new(clock.clone(), (metrics, &batch), waiting.clone()));
    let sent = (tally.sent(native, &batch), Transport::WebSocket);
    let limits = Limits {
        outbox_bytes_max,
        outbox_ephemeral_bytes_max: 50,
        outbox_age_max: Duration::from_secs(10),
        ..Limits::default()
    };
    let round = Rc::<Round>::default();
    let shared = (tally, round.clone());
    let another = move || Rc::new(Outbox::new(&limits, sent.clone(), shared.clone()));
    Fixture { recording, clock, waiting, outbox: another(), round, another: Box::new(another) }
}

fn frame(bytes: usize) -> Bytes {
    Bytes::from(vec![b'x'; bytes])
}

fn poll(outbox: &Outbox) -> Poll<Outgoing> {
    outbox.poll_frame(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn frames_leave_in_order_and_the_reason_comes_last() {
    let Fixture { outbox, waiting, .. } = fixture();
    outbox.push(Bytes::from_static(b"1"), Class::Answer);
    outbox.push(Bytes::from_static(b"2"), MESSAGE);
    outbox.end(CloseReason::ServerShutdown);
    outbox.push(Bytes::from_static(b"3"), MESSAGE);
    assert_eq!(waiting.load(Ordering::Relaxed), 2);
    assert_eq!(poll(&outbox), Poll::Ready(Outgoing::Frame(Bytes::from_static(b"1"))));
    assert_eq!(poll(&outbox), Poll::Ready(Outgoing::Frame(Bytes::from_static(b"2"))));
    assert_eq!(poll(&outbox), Poll::Ready(Outgoing::Ended(CloseReason::ServerShutdown)));
    assert_eq!(waiting.load(Ordering::Relaxed), 0);
}

#[test]
fn written_copies_are_counted_once_per_write_with_the_oldest_latency() {
    let Fixture { recording, clock, outbox, .. } = fixture();
    outbox.push(frame(1), MESSAGE);
    clock.0.store(300_000_000, Ordering::Relaxed);
    outbox.push(frame(1), MESSAGE);
    assert!(poll(&outbox).is_ready() && poll(&outbox).is_ready());
    assert!(poll(&outbox).is_pending());
    let probe = recording.probe();
    let labels = [("app", "native"), ("transport", "websocket"), ("channel_type", "public")];
    assert_eq!(probe.value("chat_messages_sent_total", &labels), Some(2.0));
    let sum = probe.value("chat_message_delivery_latency_seconds_sum", &[("scope", "local")]);
    assert_eq!(sum, Some(0.6));
    assert_eq!(probe.sum("chat_message_delivery_latency_seconds_count"), 2.0);
}

#[test]
fn a_full_outbox_ends_its_connection_and_gives_up_what_waits() {
    let Fixture { recording, outbox, waiting, .. } = fixture();
    for _ in 0..3 {
        outbox.push(frame(40), MESSAGE);
    }
    assert_eq!(outbox.end_reason(), Some(CloseReason::SlowConsumer));
    assert_eq!((outbox.bytes(), waiting.load(Ordering::Relaxed)), (0, 0));
    let probe = recording.probe();
    let reason = [("reason", "slow_consumer")];
    assert_eq!(probe.value("chat_messages_dropped_total", &reason), Some(3.0));
    assert_eq!(probe.sum("chat_connection_slow_consumers_total"), 1.0);
}

#[test]
fn a_reader_that_stalls_too_long_is_gone_even_if_little_waits() {
    let Fixture { clock, outbox, .. } = fixture();
    outbox.push(frame(1), MESSAGE);
    clock.0.store(10_000_000_000, Ordering::Relaxed);
    outbox.push(frame(1), MESSAGE);
    assert_eq!(outbox.end_reason(), None);
    clock.0.store(10_000_000_001, Ordering::Relaxed);
    outbox.push(frame(1), MESSAGE);
    assert_eq!(outbox.end_reason(), Some(CloseReason::SlowConsumer));
}

#[test]
fn what_was_accepted_long_ago_makes_no_reader_slow() {
    let Fixture { clock, outbox, .. } = fixture();
    let now = Moment(3_600_000_000_000);
    clock.0.store(now.0, Ordering::Relaxed);
    for _ in 0..2 {
        outbox.push_accepted(frame(1), MESSAGE, Moment(0).into(), now);
    }
    assert_eq!(outbox.end_reason(), None);
}

#[test]
fn what_does_not_matter_later_is_dropped_first() {
    let Fixture { recording, outbox, .. } = fixture();
    outbox.push(frame(45), MESSAGE);
    outbox.push(frame(10), Class::Ephemeral);
    outbox.push(frame(10), Class::Answer);
    assert_eq!((outbox.bytes(), outbox.end_reason()), (55, None));
    let reason = [("reason", "queue_full")];
    assert_eq!(recording.probe().value("chat_messages_dropped_total", &reason), Some(1.0));
}

#[test]
fn what_a_stop_leaves_unwritten_is_counted_so() {
    let Fixture { recording, outbox, .. } = fixture();
    outbox.push(frame(10), MESSAGE);
    outbox.end(CloseReason::ServerShutdown);
    outbox.push(frame(10), MESSAGE);
    drop(outbox);
    let probe = recording.probe();
    let dropped = |reason| probe.value("chat_messages_dropped_total", &[("reason", reason)]);
    assert_eq!(dropped("shutdown"), Some(2.0));
    assert_eq!(dropped("no_recipient"), Some(0.0));
}
