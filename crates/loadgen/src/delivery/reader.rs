//! One client that listens to one room: how far it is, and what it still lacks.

use campanile_protocol::{Epoch, Since};

use super::fault::{Fault, Faults};
use super::gaps::Gaps;

/// Who listens where, and what was heard.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) who: String,
    pub(super) room: String,
    /// The history and the last message of it; `None` before the room was entered.
    pub(super) place: Option<Since>,
    /// Whether messages are to come: not between leaving the room and entering it again.
    pub(super) listening: bool,
    /// Passed over without a word: late when they come, lost when they do not.
    missing: Gaps,
    /// What the server said it could not tell: to be read from the history.
    owed: Gaps,
    /// The server said that something is missing, and has not yet said up to where.
    resyncing: bool,
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it was said.
    Live,
    /// With the answer that says where the room is.
    Resumed,
    /// In a page of the history. What lies behind what was heard is still to come as it is said.
    Read,
}

impl Reader {
    pub(super) fn new(who: &str, room: &str) -> Self {
        Self {
            who: who.to_owned(),
            room: room.to_owned(),
            place: None,
            listening: false,
            missing: Gaps::default(),
            owed: Gaps::default(),
            resyncing: false,
        }
    }

    /// A message was heard; whether it was new.
    pub(super) fn hear(&mut self, seq: u64, way: Way, faults: &mut Faults) -> bool {
        let Some(Since { seq: last, .. }) = &mut self.place else { return false };
        if seq > *last {
            if way == Way::Read {
                return false;
            }
            let (first, end) = (*last + 1, seq - 1);
            *last = seq;
            let gaps = if self.resyncing { &mut self.owed } else { &mut self.missing };
            gaps.add(first, end);
            return true;
        }
        if self.owed.take(seq) {
            return true;
        }
        let last = *last;
        match way {
            // What is asked for twice comes twice.
            Way::Resumed | Way::Read => false,
            Way::Live if self.missing.take(seq) => {
                faults.add(Fault::Disordered, 1, || self.told(seq, last));
                true
            }
            Way::Live => {
                faults.add(Fault::Duplicated, 1, || self.told(seq, last));
                false
            }
        }
    }

    /// The server said where the room is now.
    pub(super) fn positioned(&mut self, epoch: Epoch, seq: u64) {
        self.listening = true;
        let resyncing = std::mem::take(&mut self.resyncing);
        match &mut self.place {
            Some(place) if place.epoch == epoch => {
                let gaps = if resyncing { &mut self.owed } else { &mut self.missing };
                gaps.add(place.seq + 1, seq);
                place.seq = place.seq.max(seq);
            }
            place => {
                *place = Some(Since { epoch, seq });
                (self.missing, self.owed) = (Gaps::default(), Gaps::default());
            }
        }
    }

    /// The server said that what it tells is not the whole.
    pub(super) fn resync(&mut self) {
        self.resyncing = true;
    }

    /// The message after which the history is to be read, if it is.
    pub(super) fn owed_after(&self) -> Option<u64> {
        self.owed.first().map(|(first, _)| first - 1)
    }

    /// The history was read from one place to another: what it did not hold there is not there.
    pub(super) fn read_to(&mut self, seq: u64, faults: &mut Faults) {
        let absent = self.owed.take_to(seq);
        faults.add(Fault::Lost, absent, || {
            format!("{} found {absent} up to {seq} of {} not in its history", self.who, self.room)
        });
    }

    /// How many messages it lacks, of a room whose last acknowledged one is this.
    pub(super) fn lacks(&self, acknowledged: u64) -> u64 {
        let Some(place) = self.place.filter(|_| self.listening) else { return 0 };
        self.missing.count() + self.owed.count() + acknowledged.saturating_sub(place.seq)
    }

    /// Adds what it lacks at the end to the faults.
    pub(super) fn close(&self, acknowledged: u64, faults: &mut Faults) {
        faults.add(Fault::Lost, self.lacks(acknowledged), || {
            let last = self.place.map_or(0, |place| place.seq);
            let first = self.missing.first().or(self.owed.first());
            let first = first.map_or(last + 1, |(first, _)| first);
            let Self { who, room, .. } = self;
            format!("{who} lacks {first} of {room}, heard up to {last} of {acknowledged}")
        });
    }

    fn told(&self, seq: u64, last: u64) -> String {
        format!("{} heard {seq} of {} after {last}", self.who, self.room)
    }
}
