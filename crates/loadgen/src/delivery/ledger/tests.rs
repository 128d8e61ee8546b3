//! Loss, duplication and disorder are seen, and nothing else is taken for them.

use super::*;
use campanile_protocol::{RoomKind, Stamp};

const ROOM: &str = "lobby";
const EPOCH: Epoch = Epoch(7);

struct Scene {
    ledger: Ledger,
    reader: ReaderId,
}

impl Scene {
    /// Somebody who listens from message 10 on.
    fn start() -> Self {
        let ledger = Ledger::default();
        let reader = ledger.reader("ada", ROOM);
        assert_eq!(ledger.since(reader), None);
        ledger.joined(reader, &joined(EPOCH, 10, &[]));
        Self { ledger, reader }
    }

    fn say(&self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.ledger.acknowledged(ROOM, &key(seq), &sent(seq));
        }
    }

    fn hear(&self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.ledger.heard(self.reader, &message(seq));
        }
    }

    /// Checks what was lost, duplicated, out of order and contradicted.
    fn check(&self, expected: [u64; 4]) {
        let Faults { lost, duplicated, out_of_order, contradicted, named } = self.ledger.close();
        assert_eq!([lost, duplicated, out_of_order, contradicted], expected, "{named:?}");
        assert_eq!(named.is_empty(), expected == [0; 4]);
    }
}

fn key(seq: u64) -> String {
    format!("key-{seq}")
}

fn sent(seq: u64) -> SentMessage {
    let (message_id, at) = (Message::id(EPOCH, seq), Stamp::from_millis(0));
    SentMessage { seq, message_id, at, duplicate: false }
}

fn message(seq: u64) -> Message {
    Message {
        room: ROOM.into(),
        seq,
        message_id: Message::id(EPOCH, seq),
        from: "ben".into(),
        body: "x".into(),
        at: Stamp::from_millis(0),
        key: Some(key(seq)),
        reply_to: None,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
    }
}

fn joined(epoch: Epoch, last_seq: u64, missed: &[u64]) -> JoinedRoom {
    JoinedRoom {
        epoch,
        last_seq,
        messages: missed.iter().map(|seq| message(*seq)).collect(),
        truncated: false,
        members: Vec::new(),
        kind: RoomKind::Public,
        topic: String::new(),
    }
}

fn page(seqs: &[u64], has_more: bool) -> HistoryPage {
    HistoryPage { messages: seqs.iter().map(|seq| message(*seq)).collect(), has_more }
}

#[test]
fn what_arrives_once_and_in_order_is_well() {
    let scene = Scene::start();
    scene.say(11..=20);
    assert_eq!(scene.ledger.outstanding(), 10);
    scene.hear(11..=20);
    assert_eq!(scene.ledger.outstanding(), 0);
    scene.check([0, 0, 0, 0]);
}

#[test]
fn what_is_passed_over_or_never_comes_is_lost() {
    let scene = Scene::start();
    scene.hear([11, 13]);
    scene.say(11..=15);
    scene.check([3, 0, 0, 0]);
}

#[test]
fn what_was_not_acknowledged_need_not_come_last() {
    let scene = Scene::start();
    scene.say([11]);
    scene.hear([11, 12]);
    scene.check([0, 0, 0, 0]);
}

#[test]
fn what_comes_twice_is_a_duplicate() {
    let scene = Scene::start();
    scene.hear([11, 12, 11, 12, 10]);
    scene.check([0, 3, 0, 0]);
}

#[test]
fn what_comes_late_is_out_of_order_and_not_lost() {
    let scene = Scene::start();
    scene.hear([12, 11, 13]);
    scene.check([0, 0, 1, 0]);
}

#[test]
fn who_comes_back_is_told_what_was_missed() {
    let scene = Scene::start();
    scene.say(11..=15);
    scene.hear([11]);
    assert_eq!(scene.ledger.since(scene.reader), Some(Since { epoch: EPOCH, seq: 11 }));
    assert_eq!(scene.ledger.joined(scene.reader, &joined(EPOCH, 15, &[12, 13, 14, 15])), 4);
    scene.hear([16]);
    scene.check([0, 0, 0, 0]);
}

#[test]
fn a_resumption_that_leaves_something_out_loses_it() {
    let scene = Scene::start();
    scene.ledger.joined(scene.reader, &joined(EPOCH, 15, &[11, 12, 14]));
    scene.check([2, 0, 0, 0]);
}

#[test]
fn what_was_resumed_and_comes_again_is_a_duplicate() {
    let scene = Scene::start();
    scene.ledger.joined(scene.reader, &joined(EPOCH, 12, &[11, 12]));
    scene.hear([12, 13]);
    scene.check([0, 1, 0, 0]);
}

#[test]
fn too_much_to_resume_is_read_from_the_history() {
    let scene = Scene::start();
    let truncated = JoinedRoom { truncated: true, ..joined(EPOCH, 14, &[]) };
    scene.ledger.joined(scene.reader, &truncated);
    scene.hear([15]);
    assert_eq!(scene.ledger.owed_after(scene.reader), Some(10));
    assert_eq!(scene.ledger.read(scene.reader, &page(&[11, 12], true)), 2);
    assert_eq!(scene.ledger.owed_after(scene.reader), Some(12));
    assert_eq!(scene.ledger.outstanding(), 2);
    scene.ledger.read(scene.reader, &page(&[13, 14, 15], false));
    assert_eq!(scene.ledger.owed_after(scene.reader), None);
    scene.check([0, 0, 0, 0]);
}

#[test]
fn what_a_page_holds_before_it_is_said_is_said_all_the_same() {
    let scene = Scene::start();
    let truncated = JoinedRoom { truncated: true, ..joined(EPOCH, 11, &[]) };
    scene.ledger.joined(scene.reader, &truncated);
    assert_eq!(scene.ledger.read(scene.reader, &page(&[11, 12, 13], false)), 1);
    scene.hear([12, 13]);
    scene.check([0, 0, 0, 0]);
}

#[test]
fn what_the_history_does_not_hold_is_lost() {
    let scene = Scene::start();
    let truncated = JoinedRoom { truncated: true, ..joined(EPOCH, 14, &[]) };
    scene.ledger.joined(scene.reader, &truncated);
    scene.ledger.read(scene.reader, &page(&[11, 13], false));
    assert_eq!(scene.ledger.owed_after(scene.reader), None);
    scene.check([2, 0, 0, 0]);
}

#[test]
fn a_gap_that_the_server_tells_of_is_filled_by_entering_again() {
    let scene = Scene::start();
    scene.ledger.resync(scene.reader);
    scene.hear([13]);
    scene.ledger.joined(scene.reader, &joined(EPOCH, 13, &[11, 12, 13]));
    scene.hear([14]);
    scene.check([0, 0, 0, 0]);
}

#[test]
fn who_left_is_owed_nothing_until_it_is_back() {
    let scene = Scene::start();
    scene.ledger.left(scene.reader);
    scene.say(11..=15);
    assert_eq!(scene.ledger.outstanding(), 0);
    scene.check([0, 0, 0, 0]);
    scene.ledger.joined(scene.reader, &joined(EPOCH, 15, &[11, 12, 13, 14]));
    scene.check([1, 0, 0, 0]);
}

#[test]
fn one_key_has_one_place_and_one_place_one_key() {
    let scene = Scene::start();
    scene.hear([11, 12]);
    scene.ledger.acknowledged(ROOM, &key(11), &sent(13));
    scene.hear([13]);
    let Faults { lost, duplicated, contradicted, .. } = scene.ledger.close();
    assert_eq!((lost, duplicated, contradicted), (0, 1, 1));
}

#[test]
fn a_history_that_begins_anew_is_a_loss() {
    let scene = Scene::start();
    scene.say(11..=12);
    scene.ledger.joined(scene.reader, &joined(Epoch(8), 0, &[]));
    scene.check([2, 0, 0, 0]);
    let named = scene.ledger.close().named;
    assert!(named[0].contains("began anew"), "{named:?}");
}

#[test]
fn faults_are_named() {
    let scene = Scene::start();
    scene.hear([12, 11, 12]);
    scene.say([13]);
    let named = scene.ledger.close().named;
    assert_eq!(named[0], "out of order: ada heard 11 of lobby after 12");
    assert_eq!(named[1], "duplicated: ada heard 12 of lobby after 12");
    assert_eq!(named[2], "lost: ada lacks 13 of lobby, heard up to 12 of 13");
}
