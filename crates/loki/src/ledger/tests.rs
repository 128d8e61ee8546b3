//! The ledger, whatever order its entries come in.

use super::*;
use std::thread;

const ROOM: u64 = LANES as u64 * LANE_LINES_MAX;

/// Fills all lanes.
fn full() -> Ledger {
    let ledger = Ledger::default();
    for _ in 0..ROOM {
        ledger.admit(Patience::None).expect("there is room").hand_over();
    }
    ledger
}

/// Empties a lane, as its task does.
fn empty(ledger: &Ledger, lane: usize) {
    ledger.drained(lane, ledger.look(lane).0);
}

fn counts(ledger: &Ledger) -> (u64, u64, u64) {
    let status = ledger.status();
    assert!(status.is_balanced(), "{status:?}");
    (status.accepted, status.arriving, status.dropped(DropReason::BufferFull))
}

#[test]
fn what_has_no_room_is_dropped_at_once() {
    let ledger = full();
    assert!(ledger.admit(Patience::None).is_none());
    assert_eq!(counts(&ledger), (ROOM + 1, ROOM, 1));
    empty(&ledger, 3);
    let ticket = ledger.admit(Patience::None).expect("there is room");
    assert_eq!(ticket.lane, 3);
}

#[test]
fn a_lane_has_room_only_when_its_lines_are_known_to_have_left() {
    let ledger = full();
    ledger.drained(0, 1);
    ledger.admit(Patience::None).expect("one has left").hand_over();
    assert!(ledger.admit(Patience::None).is_none());
}

#[test]
fn a_warning_waits_for_room() {
    let ledger = full();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            // On a busy machine the time may be over before there is room.
            (0..1_000).any(|_| {
                ledger.books().is_stuck = false;
                ledger.admit(Patience::Some).map(Ticket::hand_over).is_some()
            })
        });
        while ledger.books().waiting == 0 && !waiting.is_finished() {
            thread::yield_now();
        }
        empty(&ledger, 0);
        assert!(waiting.join().expect("it waits"));
    });
    assert!(ledger.status().is_balanced());
}

#[test]
fn once_one_has_waited_in_vain_nobody_waits() {
    let ledger = full();
    assert!(ledger.admit(Patience::Some).is_none());
    assert!(ledger.books().is_stuck);
    for _ in 0..1_000 {
        // This would take five seconds.
        assert!(ledger.admit(Patience::Some).is_none());
    }
    assert_eq!(counts(&ledger), (ROOM + 1_001, ROOM, 1_001));
    empty(&ledger, 0);
    assert!(!ledger.books().is_stuck);
}

#[test]
fn a_lane_is_idle_when_all_that_left_it_has_come() {
    let ledger = Ledger::default();
    assert_eq!(ledger.look(0), (0, true));
    ledger.admit(Patience::None).expect("there is room").hand_over();
    assert_eq!(ledger.look(0), (1, true));
    empty(&ledger, 0);
    assert_eq!(ledger.look(0), (1, false));
    ledger.delivered(0, 1);
    assert_eq!(ledger.look(0), (1, true));
}

#[test]
fn the_pipe_is_bounded_in_all() {
    let ledger = Ledger::default();
    for _ in 0..PIPE_LINES_MAX {
        ledger.admit(Patience::None).expect("there is room").hand_over();
        empty(&ledger, 0);
    }
    assert!(ledger.admit(Patience::None).is_none());
    ledger.arrived(1, Level::default());
    assert!(ledger.admit(Patience::None).is_some());
}

#[test]
fn what_is_not_handed_over_is_lost_and_counted() {
    let ledger = Ledger::default();
    drop(ledger.admit(Patience::None));
    let status = ledger.status();
    assert_eq!((status.accepted, status.dropped(DropReason::Other)), (1, 1));
    assert!(status.is_balanced() && !ledger.is_handing_over());
}

#[test]
fn what_comes_twice_is_new_the_second_time() {
    let ledger = Ledger::default();
    ledger.admit(Patience::None).expect("there is room").hand_over();
    ledger.arrived(1, Level { lines: 1, ..Level::default() });
    ledger.arrived(1, Level { lines: 2, ..Level::default() });
    assert_eq!(counts(&ledger), (2, 0, 0));
}

#[test]
fn after_the_end_everything_stays_as_it_is() {
    let ledger = Ledger::default();
    for _ in 0..5 {
        ledger.admit(Patience::None).expect("there is room").hand_over();
    }
    ledger.arrived(3, Level { lines: 3, spooled: 2, ..Level::default() });
    let ticket = ledger.admit(Patience::None).expect("there is room");
    ledger.close();
    assert!(ledger.admit(Patience::Some).is_none(), "nothing comes in");
    assert!(ledger.is_handing_over());
    ledger.finish();
    drop(ticket);
    ledger.sent(3, 100, Level::default());
    ledger.arrived(2, Level::default());
    ledger.finish();
    let status = ledger.status();
    // Two are in the spool; one was in memory, three on their way, one came too late.
    assert_eq!((status.accepted, status.queued, status.sent), (7, 2, 0));
    assert_eq!(status.dropped(DropReason::Shutdown), 5);
    assert!(status.is_balanced(), "{status:?}");
}
