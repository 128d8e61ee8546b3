//! The order of one room on one worker: every message once, by number, without a gap.
//!
//! Messages are stored in order and announced by many tasks and nodes, so they may arrive out of
//! order, twice, or not at all. This gate lets them pass in order, holds back those that came too
//! early, and says what is missing.

use crate::{
    event::Envelope,
    message::{Epoch, Sequence},
    time::Moment,
};
use std::{collections::BTreeMap, sync::Arc};

/// The gate of one room.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The last message that passed; `None` until the first listener knows where the room is.
    passed: Option<Sequence>,
    epoch: Option<Epoch>,
    early: BTreeMap<Sequence, Arc<Envelope>>,
    /// Since when the message after `passed` is waited for.
    waiting_since: Option<Moment>,
}

/// What the gate says to a message.
#[derive(Debug, PartialEq)]
pub(super) enum Admission {
    /// It may pass, and those held back after it are asked for with [`Order::next_ready`].
    Pass,
    /// It passed before.
    Repeat,
    /// It is held back until those before it have come.
    Held,
    /// It belongs to another history: the room was reset.
    OtherEpoch,
    /// More is held back than may be.
    Overflow,
}

impl Order {
    /// Judges the message `seq` of `epoch`.
    pub(super) fn admit(
        &mut self,
        (epoch, seq): (Epoch, Sequence),
        envelope: &Arc<Envelope>,
        (now, early_max): (Moment, usize),
    ) -> Admission {
        if *self.epoch.get_or_insert(epoch) != epoch {
            return Admission::OtherEpoch;
        }
        match self.passed {
            Some(passed) if seq <= passed => Admission::Repeat,
            Some(passed) if seq == passed.next() => {
                self.pass(seq, now);
                Admission::Pass
            }
            _ if self.early.len() >= early_max => Admission::Overflow,
            passed => {
                self.early.insert(seq, envelope.clone());
                if passed.is_some() {
                    self.waiting_since.get_or_insert(now);
                }
                Admission::Held
            }
        }
    }

    /// The next message that was held back and may pass now.
    pub(super) fn next_ready(&mut self, now: Moment) -> Option<Arc<Envelope>> {
        let passed = self.passed?;
        let (&seq, _) = self.early.first_key_value()?;
        if seq != passed.next() {
            return None;
        }
        self.pass(seq, now);
        self.early.remove(&seq)
    }

    /// Says where the room is, when the gate does not know: everything up to `seq` has passed.
    pub(super) fn start(&mut self, (epoch, seq): (Epoch, Sequence), now: Moment) {
        if self.passed.is_none() && *self.epoch.get_or_insert(epoch) == epoch {
            self.skip_to(seq, now);
        }
    }

    /// Gives up on everything up to `seq`.
    pub(super) fn skip_to(&mut self, seq: Sequence, now: Moment) {
        if self.passed.is_none_or(|passed| passed < seq) {
            self.early.retain(|&early, _| early > seq);
            self.pass(seq, now);
        }
    }

    /// The gap: the last message that passed, the first that is held back, and since when.
    pub(super) fn gap(&self) -> Option<(Sequence, Sequence, Moment)> {
        let (&early, _) = self.early.first_key_value()?;
        Some((self.passed?, early, self.waiting_since?))
    }

    /// Waits for the gap as if it began at `moment`.
    pub(super) fn wait_from(&mut self, moment: Moment) {
        self.waiting_since = Some(moment);
    }

    /// Begins another history, in which everything up to `seq` has passed.
    pub(super) fn restart(&mut self, (epoch, seq): (Epoch, Sequence), now: Moment) {
        *self = Self {
            epoch: Some(epoch),
            ..Self::default()
        };
        self.pass(seq, now);
    }

    fn pass(&mut self, seq: Sequence, now: Moment) {
        self.passed = Some(seq);
        let complete = self
            .early
            .first_key_value()
            .is_none_or(|(&early, _)| early == seq.next());
        self.waiting_since = if complete { None } else { Some(now) };
    }
}
