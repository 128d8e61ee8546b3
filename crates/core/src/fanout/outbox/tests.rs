//! An outbox keeps order, keeps its bounds, and counts what it wrote and what it gave up.

use super::*;
use crate::{fanout::Origin, labels::ChannelType};
use crate::{metrics::ChatMetrics, metrics::NATIVE_APP, port::Clock, time::Timestamp};
use campanile_metrics::{Batch, Registry, testing::Recording};
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::Wake,
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
}

const MESSAGE: Class = Class::Message(ChannelType::Public, Origin::Here);

fn fixture() -> Fixture {
    let builder = Registry::builder().values::<crate::metrics::App>([NATIVE_APP]);
    let recording = Recording::with(builder);
    let metrics = Arc::new(ChatMetrics::register(recording.registry()));
    let (clock, waiting) = (Arc::new(HandClock::default()), Arc::new(AtomicUsize::new(0)));
    // Without a batch everything is written at once.
    let (native, batch) = (metrics.native, Batch::new());
    let tally = Rc::new(Tally::new(clock.clone(), (metrics, &batch), waiting.clone()));
    let sent = (tally.sent(native, &batch), Transport::WebSocket);
    let limits = Limits {
        outbox_bytes_max: 100,
        outbox_ephemeral_bytes_max: 50,
        outbox_age_max: Duration::from_secs(10),
        ..Limits::default()
    };
    let round = Rc::<Round>::default();
    let outbox = Rc::new(Outbox::new(&limits, sent, (tally, round.clone())));
    Fixture { recording, clock, waiting, outbox, round }
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

/// A connection that takes so many bytes at once, while its writer has nothing on its way.
#[derive(Clone, Default)]
struct Line {
    takes: Rc<Cell<usize>>,
    written: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl DirectWriter for Line {
    fn write(&self, bytes: &[u8], waiting: usize) -> usize {
        assert!(waiting >= bytes.len());
        let takes = self.takes.get().min(bytes.len());
        self.takes.set(self.takes.get() - takes);
        self.written.borrow_mut().push(bytes[..takes].to_vec());
        takes
    }
}

fn direct(takes: usize) -> (Fixture, Line) {
    let (fixture, line) = (fixture(), Line::default());
    line.takes.set(takes);
    fixture.outbox.set_direct_writer(Box::new(line.clone()));
    (fixture, line)
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test]
async fn what_a_round_pushes_leaves_at_its_end_in_one_write() {
    let (Fixture { recording, outbox, round, waiting, .. }, line) = direct(100);
    assert!(poll(&outbox).is_pending());
    round.begin();
    outbox.push(text("12"), MESSAGE);
    outbox.push(text("345"), MESSAGE);
    assert!(line.written.borrow().is_empty());
    round.end().await;
    assert_eq!(*line.written.borrow(), [b"12345"]);
    assert_eq!((outbox.bytes(), waiting.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(recording.probe().sum("chat_messages_sent_total"), 2.0);
    round.begin();
    outbox.push(text("6"), MESSAGE);
    round.end().await;
    assert_eq!(line.written.borrow()[1], b"6");
    assert!(poll(&outbox).is_pending(), "nothing is left for the writer");
}

#[tokio::test]
async fn what_does_not_go_out_at_once_is_the_writers() {
    let (Fixture { recording, outbox, round, waiting, .. }, line) = direct(3);
    let (waker, woken) = counting_waker();
    assert!(outbox.poll_frame(&mut Context::from_waker(&waker)).is_pending());
    round.begin();
    for frame in ["12", "34", "56"] {
        outbox.push(text(frame), MESSAGE);
    }
    round.end().await;
    assert_eq!(*line.written.borrow(), [b"123"]);
    assert_eq!((outbox.bytes(), waiting.load(Ordering::Relaxed)), (3, 1));
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    // Nothing gets between the two halves of a frame, even if the line would take it.
    line.takes.set(100);
    round.begin();
    outbox.push(text("78"), MESSAGE);
    round.end().await;
    for frame in ["4", "56", "78"] {
        assert_eq!(poll(&outbox), Poll::Ready(Outgoing::Frame(text(frame))));
    }
    assert!(poll(&outbox).is_pending());
    assert_eq!(line.written.borrow().concat(), b"123");
    assert_eq!((outbox.bytes(), waiting.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(recording.probe().sum("chat_messages_sent_total"), 4.0);
}

#[tokio::test]
async fn a_frame_that_was_begun_is_not_given_up() {
    let (Fixture { recording, outbox, round, .. }, _line) = direct(1);
    round.begin();
    outbox.push(text("12"), MESSAGE);
    outbox.push(text("34"), MESSAGE);
    round.end().await;
    outbox.abort(CloseReason::SlowConsumer, DropReason::SlowConsumer);
    assert_eq!(outbox.bytes(), 1);
    assert_eq!(poll(&outbox), Poll::Ready(Outgoing::Frame(text("2"))));
    assert_eq!(poll(&outbox), Poll::Ready(Outgoing::Ended(CloseReason::SlowConsumer)));
    let reason = [("reason", "slow_consumer")];
    assert_eq!(recording.probe().value("chat_messages_dropped_total", &reason), Some(1.0));
}

#[tokio::test]
async fn what_is_said_between_two_rounds_keeps_its_place() {
    let (Fixture { outbox, round, .. }, line) = direct(100);
    outbox.push(text("1"), Class::Answer);
    round.begin();
    outbox.push(text("2"), MESSAGE);
    round.end().await;
    assert_eq!(*line.written.borrow(), [b"12"]);
    let (waker, woken) = counting_waker();
    assert!(outbox.poll_frame(&mut Context::from_waker(&waker)).is_pending());
    outbox.push(text("3"), Class::Answer);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert_eq!(line.written.borrow().len(), 1, "an answer is the writer's");
}

fn counting_waker() -> (Waker, Arc<AtomicUsize>) {
    struct Counting(Arc<AtomicUsize>);
    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(AtomicUsize::new(0));
    (Arc::new(Counting(woken.clone())).into(), woken)
}
