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
    /// Messages up to here are known to be stored.
    stored: Sequence,
    /// Since when the message after `passed` is waited for.
    waiting_since: Option<Moment>,
}

/// Where the gate stands, compared with the store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    /// Everything that is stored has passed.
    InStep,
    /// Stored messages have not come.
    Behind,
    /// The room was reset.
    OtherEpoch,
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

    /// Says which message was the last one in the store.
    pub(super) fn expect(&mut self, (epoch, seq): (Epoch, Sequence), now: Moment) -> Standing {
        match self.passed {
            Some(_) if self.epoch != Some(epoch) => Standing::OtherEpoch,
            Some(passed) if passed < seq => {
                self.stored = self.stored.max(seq);
                self.waiting_since.get_or_insert(now);
                Standing::Behind
            }
            _ => Standing::InStep,
        }
    }

    /// Gives up on everything up to `seq`.
    pub(super) fn skip_to(&mut self, seq: Sequence, now: Moment) {
        if self.passed.is_none_or(|passed| passed < seq) {
            self.early.retain(|&early, _| early > seq);
            self.pass(seq, now);
        }
    }

    /// The gap: the last message that passed, the first after it that is held back or does not
    /// exist yet, and since when.
    pub(super) fn gap(&self) -> Option<(Sequence, Sequence, Moment)> {
        let passed = self.passed?;
        let end = match self.early.first_key_value() {
            Some((&early, _)) => early,
            None if self.stored > passed => self.stored.next(),
            None => return None,
        };
        Some((passed, end, self.waiting_since?))
    }

    /// How many messages after the last that passed are to be read for everything to pass that is
    /// known to be stored: those of the gap, and where there are more gaps behind it, all.
    pub(super) fn to_read(&self) -> u64 {
        let Some((passed, end, _)) = self.gap() else {
            return 0;
        };
        let last =
            self.early.last_key_value().map_or(self.stored, |(&seq, _)| seq.max(self.stored));
        let (gap, all) = (end.0 - passed.0 - 1, last.0 - passed.0);
        if all - self.early.len() as u64 > gap { all } else { gap }
    }

    /// Waits for the gap as if it began at `moment`.
    pub(super) fn wait_from(&mut self, moment: Moment) {
        self.waiting_since = Some(moment);
    }

    /// Begins another history, in which everything up to `seq` has passed.
    pub(super) fn restart(&mut self, (epoch, seq): (Epoch, Sequence), now: Moment) {
        *self = Self { epoch: Some(epoch), ..Self::default() };
        self.pass(seq, now);
    }

    fn pass(&mut self, seq: Sequence, now: Moment) {
        self.passed = Some(seq);
        let ready = self.early.first_key_value().is_none_or(|(&early, _)| early == seq.next());
        let complete = ready && self.stored <= seq;
        self.waiting_since = if complete { None } else { Some(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Audience, Event, Signal},
        name::UserName,
        user::{Presence, Status},
    };

    const EPOCH: Epoch = Epoch(7);

    fn envelope() -> Arc<Envelope> {
        let user = UserName::parse("ada").expect("a name");
        let presence = Presence { user, status: Status::Away, last_seen: None };
        let signal = Arc::new(Signal::Tell(Audience::Everyone, Event::Presence(presence)));
        Arc::new(Envelope { signal, accepted: Moment(0).into(), remote: false })
    }

    /// Offers messages in this order to a gate that has passed 10; which passed, in order.
    fn check(offered: &[u64], passed: &[u64]) {
        let mut order = Order::default();
        order.start((EPOCH, Sequence(10)), Moment(0));
        let mut seen = Vec::new();
        for &seq in offered {
            let place = (EPOCH, Sequence(seq));
            if order.admit(place, &envelope(), (Moment(0), 4)) == Admission::Pass {
                seen.push(seq);
                while order.next_ready(Moment(0)).is_some() {
                    seen.push(seen[seen.len() - 1] + 1);
                }
            }
        }
        assert_eq!(seen, passed, "offered {offered:?}");
    }

    #[test]
    fn messages_pass_in_order_once() {
        check(&[11, 12, 13], &[11, 12, 13]);
        check(&[12, 11, 13], &[11, 12, 13]);
        check(&[13, 12, 11], &[11, 12, 13]);
        check(&[11, 11, 10, 12, 11], &[11, 12]);
        check(&[9, 3], &[]);
    }

    #[test]
    fn what_comes_too_early_waits_for_what_is_missing() {
        check(&[11, 13, 14], &[11]);
        check(&[11, 13, 14, 12], &[11, 12, 13, 14]);
    }

    #[test]
    fn a_gap_is_known_and_can_be_given_up() {
        let mut order = Order::default();
        order.start((EPOCH, Sequence(1)), Moment(0));
        assert_eq!(order.gap(), None);
        order.admit((EPOCH, Sequence(4)), &envelope(), (Moment(5), 4));
        assert_eq!(order.gap(), Some((Sequence(1), Sequence(4), Moment(5))));
        order.skip_to(Sequence(3), Moment(6));
        assert!(order.next_ready(Moment(6)).is_some());
        assert_eq!(order.gap(), None);
    }

    #[test]
    fn what_is_read_fills_all_gaps_at_once() {
        let mut order = Order::default();
        order.start((EPOCH, Sequence(1)), Moment(0));
        assert_eq!(order.to_read(), 0);
        order.admit((EPOCH, Sequence(4)), &envelope(), (Moment(5), 9));
        assert_eq!(order.to_read(), 2, "2 and 3");
        order.admit((EPOCH, Sequence(5)), &envelope(), (Moment(5), 9));
        assert_eq!(order.to_read(), 2, "5 is there");
        order.admit((EPOCH, Sequence(7)), &envelope(), (Moment(5), 9));
        assert_eq!(order.to_read(), 6, "2 to 7, for the sake of 2, 3 and 6");
        order.expect((EPOCH, Sequence(9)), Moment(6));
        assert_eq!(order.to_read(), 8, "2 to 9");
    }

    #[test]
    fn before_it_knows_where_the_room_is_nothing_passes() {
        let mut order = Order::default();
        for seq in [6, 4, 5] {
            let admission = order.admit((EPOCH, Sequence(seq)), &envelope(), (Moment(0), 4));
            assert_eq!(admission, Admission::Held);
        }
        assert_eq!(order.gap(), None, "nobody waits yet");
        order.start((EPOCH, Sequence(4)), Moment(0));
        assert!(order.next_ready(Moment(0)).is_some(), "5");
        assert!(order.next_ready(Moment(0)).is_some(), "6");
        assert!(order.next_ready(Moment(0)).is_none());
    }

    #[test]
    fn what_is_held_back_is_bounded() {
        let mut order = Order::default();
        order.start((EPOCH, Sequence(0)), Moment(0));
        for seq in 2..6 {
            order.admit((EPOCH, Sequence(seq)), &envelope(), (Moment(0), 4));
        }
        let admission = order.admit((EPOCH, Sequence(6)), &envelope(), (Moment(0), 4));
        assert_eq!(admission, Admission::Overflow);
    }

    #[test]
    fn another_history_is_noticed() {
        let mut order = Order::default();
        order.start((EPOCH, Sequence(10)), Moment(0));
        let other = (Epoch(8), Sequence(1));
        let admission = order.admit(other, &envelope(), (Moment(0), 4));
        assert_eq!(admission, Admission::OtherEpoch);
        order.restart(other, Moment(0));
        let next = order.admit((Epoch(8), Sequence(2)), &envelope(), (Moment(0), 4));
        assert_eq!(next, Admission::Pass);
    }
}
