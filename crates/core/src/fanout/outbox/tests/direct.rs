//! What a round pushes leaves at its end, past the writer, and nothing leaves out of its order.

use super::*;
use crate::fanout::round::WRITES_AT_ONCE;
use futures_util::FutureExt;
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Wake,
};

/// A connection that takes so many bytes at once, while its writer has nothing on its way.
#[derive(Clone, Default)]
struct Line {
    takes: Rc<Cell<usize>>,
    written: Rc<RefCell<Vec<Vec<u8>>>>,
    /// Bytes that waited, as it was told at each write.
    waiting: Rc<RefCell<Vec<usize>>>,
}

impl DirectWriter for Line {
    fn write(&self, bytes: &[u8], waiting: usize) -> usize {
        self.waiting.borrow_mut().push(waiting);
        let takes = self.takes.get().min(bytes.len());
        self.takes.set(self.takes.get() - takes);
        self.written.borrow_mut().push(bytes[..takes].to_vec());
        takes
    }
}

/// An outbox whose writer waits, over a line that takes so many bytes.
fn direct(takes: usize) -> (Fixture, Line) {
    direct_of(fixture(), takes)
}

fn direct_of(fixture: Fixture, takes: usize) -> (Fixture, Line) {
    let line = Line::default();
    line.takes.set(takes);
    fixture.outbox.set_direct_writer(Box::new(line.clone()));
    assert!(poll(&fixture.outbox).is_pending());
    (fixture, line)
}

impl Fixture {
    /// A round that pushes these frames.
    async fn round(&self, frames: &[&'static str]) {
        let push = |frame: &&'static str| self.outbox.push(text(frame), MESSAGE);
        self.round.run(|| frames.iter().for_each(push)).await;
    }

    fn waiting(&self) -> (usize, usize) {
        (self.outbox.bytes(), self.waiting.load(Ordering::Relaxed))
    }

    fn sent(&self) -> f64 {
        self.recording.probe().sum("chat_messages_sent_total")
    }

    /// Waits as the writer; how often it was woken since.
    fn wait(&self) -> Arc<AtomicUsize> {
        let (waker, woken) = counting_waker();
        assert!(self.outbox.poll_frame(&mut Context::from_waker(&waker)).is_pending());
        woken
    }

    fn left(&self) -> Vec<Bytes> {
        left(&self.outbox)
    }
}

/// The frames that the writer gets, until nothing is left.
fn left(outbox: &Outbox) -> Vec<Bytes> {
    let next = || match poll(outbox) {
        Poll::Ready(Outgoing::Frame(frame)) => Some(frame),
        _ => None,
    };
    std::iter::from_fn(next).collect()
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
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

#[tokio::test]
async fn what_a_round_pushes_leaves_at_its_end_in_one_write() {
    let (fixture, line) = direct(100);
    let woken = fixture.wait();
    fixture
        .round
        .run(|| {
            fixture.outbox.push(text("12"), MESSAGE);
            fixture.outbox.push(text("345"), MESSAGE);
            assert!(line.written.borrow().is_empty());
        })
        .await;
    assert_eq!(*line.written.borrow(), [b"12345"]);
    assert_eq!((fixture.waiting(), fixture.sent()), ((0, 0), 2.0));
    fixture.round(&["6"]).await;
    assert_eq!(line.written.borrow()[1], b"6");
    assert_eq!(woken.load(Ordering::Relaxed), 0, "nothing is left for the writer");
    assert_eq!(Rc::strong_count(&fixture.outbox), 1, "a round keeps nobody");
    assert!(poll(&fixture.outbox).is_pending());
}

#[tokio::test]
async fn what_does_not_go_out_at_once_is_the_writers() {
    let (fixture, line) = direct(3);
    let woken = fixture.wait();
    fixture.round(&["12", "34", "56"]).await;
    assert_eq!(*line.written.borrow(), [b"123"]);
    assert_eq!(fixture.waiting(), (3, 1));
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    // Nothing gets between the two halves of a frame, even if the line would take it.
    line.takes.set(100);
    fixture.round(&["78"]).await;
    assert_eq!(fixture.waiting(), (5, 2));
    assert_eq!(fixture.left(), ["4", "56", "78"].map(text));
    assert_eq!(line.written.borrow().concat(), b"123");
    assert_eq!((fixture.waiting(), fixture.sent()), ((0, 0), 4.0));
    fixture.round(&["9"]).await;
    assert_eq!(line.written.borrow().concat(), b"1239", "the line is free again");
}

#[tokio::test]
async fn wherever_a_write_ends_nothing_is_lost_and_nothing_comes_twice() {
    const FRAMES: [&str; 4] = ["1", "234", "", "56"];
    for takes in 0..=6 {
        let (fixture, line) = direct(takes);
        fixture.round(&FRAMES).await;
        let left = 6 - takes;
        assert_eq!(fixture.outbox.bytes(), left, "{takes} bytes were taken");
        let all = [line.written.borrow().concat(), fixture.left().concat()].concat();
        assert_eq!(all, b"123456", "{takes} bytes were taken");
        assert_eq!((fixture.waiting(), fixture.sent()), ((0, 0), 4.0));
    }
    let (fixture, _line) = direct(0);
    fixture.round(&[""]).await;
    assert_eq!((fixture.waiting(), fixture.sent()), ((0, 0), 1.0), "there is nothing to write");
}

#[tokio::test]
async fn a_frame_that_was_begun_is_not_given_up() {
    let (fixture, _line) = direct(1);
    fixture.round(&["12", "34"]).await;
    fixture.outbox.abort(CloseReason::SlowConsumer, DropReason::SlowConsumer);
    assert_eq!(fixture.waiting(), (1, 0));
    assert_eq!(poll(&fixture.outbox), Poll::Ready(Outgoing::Frame(text("2"))));
    assert_eq!(poll(&fixture.outbox), Poll::Ready(Outgoing::Ended(CloseReason::SlowConsumer)));
    let (probe, reason) = (fixture.recording.probe(), [("reason", "slow_consumer")]);
    assert_eq!(probe.value("chat_messages_dropped_total", &reason), Some(1.0));
    assert_eq!(fixture.sent(), 1.0);
}

#[tokio::test]
async fn what_was_given_up_in_a_round_is_not_written_at_its_end() {
    let (fixture, line) = direct(100);
    fixture
        .round
        .run(|| {
            fixture.outbox.push(text("12"), MESSAGE);
            fixture.outbox.abort(CloseReason::Policy, DropReason::NoRecipient);
            fixture.outbox.push(text("34"), MESSAGE);
        })
        .await;
    assert!(line.written.borrow().concat().is_empty());
    assert_eq!(poll(&fixture.outbox), Poll::Ready(Outgoing::Ended(CloseReason::Policy)));
    let dropped = fixture.recording.probe().sum("chat_messages_dropped_total");
    assert_eq!((dropped, fixture.sent(), fixture.waiting()), (2.0, 0.0, (0, 0)));
}

#[tokio::test]
async fn what_is_said_between_two_rounds_keeps_its_place() {
    let (fixture, line) = direct(100);
    let woken = fixture.wait();
    fixture.outbox.push(text("1"), Class::Answer);
    assert_eq!(woken.load(Ordering::Relaxed), 1, "an answer is the writer's");
    fixture.round(&["2"]).await;
    assert!(line.written.borrow().is_empty(), "the writer comes for all of it");
    assert_eq!(fixture.left(), ["1", "2"].map(text));
    fixture.round(&["3"]).await;
    fixture.outbox.push(text("4"), Class::Answer);
    assert_eq!(*line.written.borrow(), [b"3"]);
    assert_eq!(fixture.left(), [text("4")]);
}

#[tokio::test]
async fn a_writer_that_was_never_there_gets_everything() {
    let (fixture, line) = (fixture(), Line::default());
    line.takes.set(100);
    fixture.outbox.set_direct_writer(Box::new(line.clone()));
    fixture.round(&["1"]).await;
    assert!(line.written.borrow().is_empty(), "what answers the handshake comes first");
    assert_eq!(fixture.left(), [text("1")]);
}

#[tokio::test]
async fn many_frames_leave_in_order_and_in_pieces() {
    const PIECE: usize = TOGETHER_MAX / 4;
    let (fixture, line) = direct_of(fixture_of(16 * PIECE), usize::MAX);
    let frames: Vec<_> = (0..10).map(|number| Bytes::from(vec![number; PIECE])).collect();
    let push = |frame: &Bytes| fixture.outbox.push(frame.clone(), MESSAGE);
    fixture.round.run(|| frames.iter().for_each(push)).await;
    let written = line.written.borrow();
    assert_eq!(written.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2].map(|n| n * PIECE));
    assert_eq!(*line.waiting.borrow(), [10, 6, 2].map(|n| n * PIECE));
    assert_eq!(written.concat(), frames.concat());
    assert_eq!((fixture.waiting(), fixture.sent()), ((0, 0), 10.0));
}

#[tokio::test]
async fn a_round_that_panics_holds_up_nobody() {
    let (fixture, line) = direct(100);
    let woken = fixture.wait();
    let round = fixture.round.run(|| {
        fixture.outbox.push(text("1"), MESSAGE);
        panic!("as it should");
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| round.now_or_never()));
    assert!(panicked.is_err());
    fixture.outbox.push(text("2"), Class::Answer);
    assert_eq!(woken.load(Ordering::Relaxed), 1, "who speaks outside of a round is heard");
    assert_eq!(fixture.left(), ["1", "2"].map(text));
    assert!(line.written.borrow().is_empty());
}

#[tokio::test]
async fn others_get_their_turn_in_a_long_round() {
    let (fixture, line) = direct(usize::MAX);
    let outbox = |_| {
        let outbox = (fixture.another)();
        outbox.set_direct_writer(Box::new(line.clone()));
        assert!(poll(&outbox).is_pending());
        outbox
    };
    let outboxes: Vec<_> = (0..2 * WRITES_AT_ONCE).map(outbox).collect();
    let push = |outbox: &Rc<Outbox>| outbox.push(text("1"), MESSAGE);
    let running = fixture.round.run(|| outboxes.iter().for_each(push));
    let other = async {
        let written = line.written.borrow().len();
        // While a round waits for its turn, what is pushed is the writer's.
        push(outboxes.last().expect("there are some"));
        written
    };
    let ((), written) = tokio::join!(running, other);
    assert_eq!(written, WRITES_AT_ONCE);
    let last = left(outboxes.last().expect("there are some"));
    assert_eq!(last, ["1", "1"].map(text), "its writer was woken in between");
    assert_eq!(line.written.borrow().len(), 2 * WRITES_AT_ONCE - 1);
}
