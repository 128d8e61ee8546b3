//! The queue within its bounds, in memory and on disk.

use super::*;
use crate::{batch::tests::entry, config::SpoolConfig};
use std::{fs, path::Path, time::UNIX_EPOCH};
use tempfile::TempDir;

mod random;

const LABELS: &str = "{job=\"test\"}";

/// Bounds that bite nowhere.
const WIDE: Bounds = Bounds {
    memory_bytes: 1 << 20,
    spool_bytes: 1 << 20,
    entries: 1_000,
    push_bytes: 1 << 16,
    push_entries: 1_000,
    line_bytes: 1_000,
    value_bytes: usize::MAX,
    age: Duration::from_secs(u64::MAX / 4),
};

struct Tested {
    queue: Queue,
    ledger: Arc<Ledger>,
}

fn queue(bounds: Bounds) -> Tested {
    let ledger = Arc::new(Ledger::default());
    Tested { queue: Queue::new(bounds, Arc::clone(&ledger)), ledger }
}

fn spooling(bounds: Bounds, directory: &Path) -> Tested {
    let mut tested = queue(bounds);
    let config = SpoolConfig { directory: directory.to_owned(), bytes_max: bounds.spool_bytes };
    let (spool, found) = Spool::open(&config).expect("a spool");
    tested.queue.keep_in(spool, found);
    tested
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Some text in which nothing repeats itself, so that it is as long compressed.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

impl Tested {
    fn take(&mut self, lines: &[&str]) {
        let mut batch = Batch::default();
        for line in lines {
            batch.add(LABELS, entry(1, line));
        }
        // As the layer and the pipe have it.
        self.queue.take(batch);
        assert!(self.ledger.status().is_balanced(), "{:?}", self.ledger.status());
    }

    /// Sends the next push.
    fn send(&mut self) -> Option<Vec<String>> {
        let push = self.queue.lease()?;
        let lines = Batch::decode(&push.body).expect("a push").into_lines();
        let lines = lines.map(|(_, entry)| entry.line).collect();
        self.queue.sent(&push);
        assert!(self.ledger.status().is_balanced(), "{:?}", self.ledger.status());
        Some(lines)
    }

    fn send_all(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.send()).flatten().collect()
    }

    fn counts(&self) -> (u64, u64, u64) {
        let status = self.ledger.status();
        (status.sent, status.queued, status.dropped_in_all())
    }
}

#[test]
fn small_batches_go_together() {
    for mut tested in [queue(WIDE), spooling(WIDE, directory().path())] {
        assert_eq!(tested.queue.readiness(Duration::ZERO), Readiness::Empty);
        for line in ["a", "b", "c"] {
            tested.take(&[line]);
        }
        let hour = Duration::from_secs(3_600);
        assert!(matches!(tested.queue.readiness(hour), Readiness::At(_)));
        assert_eq!(tested.queue.readiness(Duration::ZERO), Readiness::Now);
        assert_eq!(tested.send(), Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
        assert_eq!((tested.send(), tested.counts()), (None, (3, 0, 0)));
    }
}

#[test]
fn a_batch_that_is_too_large_for_a_push_is_divided() {
    let bounds = Bounds { push_bytes: 600, ..WIDE };
    for mut tested in [queue(bounds), spooling(bounds, directory().path())] {
        let lines: Vec<_> = (0..50).map(|line| format!("line {line}")).collect();
        tested.take(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(tested.queue.readiness(Duration::from_secs(3_600)), Readiness::Now);
        let mut sent = Vec::new();
        while let Some(push) = tested.queue.lease() {
            let bytes = snap::raw::decompress_len(&push.body).expect("a length");
            assert!(bytes <= 600, "{bytes}");
            sent.extend(tested.send().expect("the same again"));
        }
        assert_eq!(sent, lines);
    }
}

#[test]
fn a_batch_that_has_too_many_lines_for_a_push_is_divided() {
    let mut tested = queue(Bounds { push_entries: 2, ..WIDE });
    tested.take(&["a", "b", "c", "d", "e"]);
    for pushed in [vec!["a", "b"], vec!["c", "d"], vec!["e"]] {
        assert_eq!(tested.send(), Some(pushed.into_iter().map(str::to_owned).collect()));
    }
}

#[test]
fn a_line_that_is_longer_than_a_push_goes_alone() {
    let mut tested = queue(Bounds { push_bytes: 100, ..WIDE });
    let long = "x".repeat(500);
    tested.take(&["a", &long, "b"]);
    for pushed in ["a", &long, "b"] {
        assert_eq!(tested.send(), Some(vec![pushed.to_owned()]));
    }
}

#[test]
fn lines_that_are_too_long_are_turned_away() {
    let mut tested = queue(WIDE);
    tested.take(&["short", &"x".repeat(1_000), &"x".repeat(1_001)]);
    assert_eq!(tested.ledger.status().dropped(DropReason::LineTooLong), 1);
    assert_eq!(tested.send_all().len(), 2);
}

#[test]
fn the_oldest_make_room_in_memory() {
    let mut tested = queue(Bounds { memory_bytes: 2_500, push_bytes: 1_200, ..WIDE });
    for seed in 0..10 {
        tested.take(&[&noise(seed, 900)]);
        assert!(tested.ledger.status().memory_bytes <= 2_500);
    }
    assert_eq!(tested.ledger.status().dropped(DropReason::BufferFull), 8);
    assert_eq!(tested.send_all(), [noise(8, 900), noise(9, 900)]);
}

#[test]
fn the_oldest_make_room_on_disk() {
    let directory = directory();
    let bounds = Bounds { spool_bytes: 2_500, push_bytes: 1_200, ..WIDE };
    let mut tested = spooling(bounds, directory.path());
    for seed in 0..10 {
        tested.take(&[&noise(seed, 900)]);
        assert!(tested.ledger.status().spool_bytes <= 2_500);
    }
    assert_eq!(tested.ledger.status().dropped(DropReason::BufferFull), 8);
    assert_eq!(tested.send_all(), [noise(8, 900), noise(9, 900)]);
    // Only the lock is left.
    assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 1);
}

#[test]
fn the_oldest_make_room_when_there_are_too_many_lines() {
    let bounds = Bounds { entries: 4, push_bytes: 150, ..WIDE };
    for mut tested in [queue(bounds), spooling(bounds, directory().path())] {
        for line in 0..9 {
            tested.take(&[&format!("{line}: {}", "x".repeat(90))]);
        }
        assert_eq!(tested.counts(), (0, 4, 5));
        assert!(tested.send_all()[0].starts_with("5: "));
    }
}

#[test]
fn what_is_on_its_way_makes_no_room() {
    let mut tested = queue(Bounds { entries: 2, push_bytes: 150, ..WIDE });
    let lines: Vec<_> = (0..5).map(|line| format!("{line}: {}", "x".repeat(90))).collect();
    tested.take(&[&lines[0]]);
    let push = tested.queue.lease().expect("the first");
    for line in &lines[1..] {
        tested.take(&[line]);
    }
    assert_eq!(tested.counts(), (0, 2, 3));
    tested.queue.sent(&push);
    assert_eq!(tested.counts(), (1, 1, 3));
    assert_eq!(tested.send_all(), lines[4..]);
}

#[test]
fn what_was_released_may_make_room() {
    let mut tested = queue(Bounds { entries: 1, push_bytes: 150, ..WIDE });
    let lines: Vec<_> = (0..2).map(|line| format!("{line}: {}", "x".repeat(90))).collect();
    tested.take(&[&lines[0]]);
    tested.queue.lease().expect("the first");
    tested.queue.released();
    tested.take(&[&lines[1]]);
    assert_eq!((tested.counts(), tested.send_all()), ((0, 1, 1), lines[1..].to_vec()));
}

#[test]
fn what_is_refused_is_dropped() {
    let mut tested = queue(WIDE);
    tested.take(&["a", "b"]);
    tested.queue.lease().expect("a push");
    tested.queue.rejected();
    assert_eq!(tested.ledger.status().dropped(DropReason::Rejected), 2);
    assert_eq!(tested.counts(), (0, 0, 2));
}

#[test]
fn what_is_too_old_is_given_up() {
    // The lines of these tests are of 1970.
    let mut tested = queue(Bounds { age: Duration::from_secs(3_600), ..WIDE });
    tested.take(&["a", "b"]);
    assert_eq!(tested.ledger.status().oldest, Some(UNIX_EPOCH + Duration::from_secs(1)));
    assert!(tested.queue.lease().is_none());
    assert_eq!(tested.ledger.status().dropped(DropReason::Expired), 2);
    assert_eq!(tested.ledger.status().oldest, None);
}

#[test]
fn a_new_process_sends_what_the_old_one_left() {
    let directory = directory();
    let mut tested = spooling(WIDE, directory.path());
    tested.take(&["a", "b"]);
    tested.queue.seal();
    tested.take(&["c"]);
    // Nothing is flushed, as when it is killed.
    drop(tested);
    let mut tested = spooling(WIDE, directory.path());
    let status = tested.ledger.status();
    assert_eq!((status.accepted, status.queued, status.spooled), (3, 3, 3));
    tested.take(&["d"]);
    assert_eq!(tested.send_all(), ["a", "b", "c", "d"]);
    drop(tested);
    assert_eq!(spooling(WIDE, directory.path()).counts(), (0, 0, 0));
}

#[test]
fn memory_takes_the_place_of_a_disk_that_fails() {
    let directory = directory();
    let mut tested = spooling(WIDE, directory.path());
    tested.take(&["on disk"]);
    tested.queue.seal();
    // The next segment cannot be made.
    let next = directory.path().join(format!("{:020}.segment", 1));
    fs::create_dir(&next).expect("a directory in its place");
    tested.take(&["in memory"]);
    tested.take(&["in memory too"]);
    let status = tested.ledger.status();
    assert_eq!((status.queued, status.spooled), (3, 1));
    assert!(status.memory_bytes > 0);
    fs::remove_dir(&next).expect("it is there");
    tested.queue.seal();
    tested.take(&["on disk again"]);
    assert_eq!(tested.ledger.status().spooled, 2);
    assert_eq!(tested.send_all(), ["on disk", "in memory", "in memory too", "on disk again"]);
}

#[test]
fn a_segment_that_is_gone_is_counted() {
    let directory = directory();
    let mut tested = spooling(WIDE, directory.path());
    tested.take(&["a", "b"]);
    tested.queue.seal();
    fs::remove_file(directory.path().join(format!("{:020}.segment", 0))).expect("it is there");
    tested.take(&["c"]);
    tested.queue.seal();
    assert_eq!(tested.send_all(), ["c"]);
    assert_eq!(tested.ledger.status().dropped(DropReason::Other), 2);
}

#[test]
fn what_a_segment_has_lost_is_counted() {
    let directory = directory();
    let mut tested = spooling(WIDE, directory.path());
    tested.take(&["a"]);
    tested.take(&["b", "c"]);
    tested.queue.seal();
    let path = directory.path().join(format!("{:020}.segment", 0));
    let bytes = fs::read(&path).expect("it is there");
    fs::write(&path, &bytes[..bytes.len() - 1]).expect("there is room");
    assert_eq!(tested.send_all(), ["a"]);
    assert_eq!(tested.ledger.status().dropped(DropReason::Other), 2);
    assert_eq!(tested.counts(), (1, 0, 2));
}
