//! What was heard of the other nodes, and what must have been lost.

use super::CHANNELS;
use campanile_core::port::NodeId;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// A node beats twice a second; one that says nothing for so long is cut off or dead, and what it
/// last published may be lost.
const SILENCE: Duration = Duration::from_secs(2);

/// So long after a node was last heard its silence counts as a loss, again each second.
const SILENCE_COUNTS: Duration = Duration::from_secs(10);

/// After a subscription begins, nodes that were there before are met for the first time.
const GETTING_TO_KNOW: Duration = Duration::from_millis(1_500);

/// Nodes that are remembered. There are never so many; it bounds what a stranger can make us keep.
const NODES_MAX: usize = 1_024;

/// The counts of each node on each channel.
#[derive(Debug)]
pub(crate) struct Hearing {
    began: Instant,
    nodes: HashMap<NodeId, Heard>,
}

#[derive(Debug)]
struct Heard {
    last: Instant,
    /// It said that it leaves.
    left: bool,
    counts: [Option<u64>; CHANNELS],
}

impl Heard {
    fn at(now: Instant) -> Self {
        Self { last: now, left: false, counts: [None; CHANNELS] }
    }
}

/// What a frame's count says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Whether it was not heard before.
    pub(crate) fresh: bool,
    /// Whether something before it was lost.
    pub(crate) gap: bool,
}

/// Which kind of frame has the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The signal of that number.
    Signal,
    /// A beat after the signal of that number.
    Beat,
    /// The last frame of a node that leaves.
    Leave,
}

impl Hearing {
    pub(crate) fn new(now: Instant) -> Self {
        Self { began: now, nodes: HashMap::new() }
    }

    /// The subscription began again: nobody was silent meanwhile, we were deaf.
    pub(crate) fn resumed(&mut self, now: Instant) {
        self.nodes.values_mut().for_each(|heard| heard.last = now);
    }

    pub(crate) fn note(
        &mut self,
        now: Instant,
        (sender, channel): (NodeId, usize),
        counted: Counted,
        count: u64,
    ) -> Noted {
        if self.nodes.len() >= NODES_MAX && !self.nodes.contains_key(&sender) {
            return Noted { fresh: counted == Counted::Signal, gap: true };
        }
        let heard = self.nodes.entry(sender).or_insert_with(|| Heard::at(now));
        heard.last = now;
        heard.left |= counted == Counted::Leave;
        let known = heard.counts[channel];
        // What must have been heard before this.
        let before = if counted == Counted::Signal { count.saturating_sub(1) } else { count };
        let gap = match known {
            Some(known) => known < before,
            None => before > 0 && now.duration_since(self.began) > GETTING_TO_KNOW,
        };
        let fresh = known.is_none_or(|known| known < count);
        heard.counts[channel] = Some(known.map_or(count, |known| known.max(count)));
        Noted { fresh, gap }
    }

    /// Whether a node says nothing that should.
    pub(crate) fn silence(&mut self, now: Instant) -> bool {
        let forgotten = SILENCE_COUNTS * 6;
        self.nodes.retain(|_, heard| now.duration_since(heard.last) < forgotten);
        self.nodes.values().filter(|heard| !heard.left).any(|heard| {
            let silent = now.duration_since(heard.last);
            silent >= SILENCE && silent < SILENCE_COUNTS
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: NodeId = NodeId(1);

    fn known(count: u64) -> (Hearing, Instant) {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let first = hearing.note(now, (ADA, 0), Counted::Signal, count);
        assert_eq!(first, Noted { fresh: true, gap: false }, "it was there before us");
        (hearing, now)
    }

    #[test]
    fn what_comes_in_order_is_fresh() {
        let (mut hearing, now) = known(7);
        for (counted, count, fresh) in
            [(Counted::Signal, 8, true), (Counted::Beat, 8, false), (Counted::Signal, 9, true)]
        {
            let noted = hearing.note(now, (ADA, 0), counted, count);
            assert_eq!(noted, Noted { fresh, gap: false }, "{counted:?} {count}");
        }
    }

    #[test]
    fn a_gap_is_noticed_by_the_next_signal_or_beat() {
        let (mut hearing, now) = known(7);
        assert!(hearing.note(now, (ADA, 0), Counted::Signal, 9).gap);
        assert!(hearing.note(now, (ADA, 0), Counted::Beat, 10).gap);
        assert!(!hearing.note(now, (ADA, 0), Counted::Beat, 10).gap, "it is told once");
        assert!(!hearing.note(now, (ADA, 1), Counted::Beat, 10).gap, "each channel has its own");
    }

    #[test]
    fn what_was_heard_is_not_heard_again() {
        let (mut hearing, now) = known(7);
        assert_eq!(
            hearing.note(now, (ADA, 0), Counted::Signal, 7),
            Noted { fresh: false, gap: false }
        );
    }

    #[test]
    fn a_stranger_begins_at_nothing() {
        let now = Instant::now();
        let later = now + GETTING_TO_KNOW * 2;
        let mut hearing = Hearing::new(now);
        assert!(!hearing.note(later, (ADA, 0), Counted::Signal, 1).gap);
        assert!(!hearing.note(later, (NodeId(2), 0), Counted::Beat, 0).gap);
        assert!(hearing.note(later, (NodeId(3), 0), Counted::Beat, 1).gap);
    }

    #[test]
    fn silence_counts_for_a_while_and_leaving_is_no_silence() {
        let (mut hearing, now) = known(7);
        assert!(!hearing.silence(now + Duration::from_secs(1)));
        assert!(hearing.silence(now + Duration::from_secs(3)));
        assert!(!hearing.silence(now + Duration::from_secs(11)));
        let (mut hearing, now) = known(7);
        for channel in 0..CHANNELS {
            hearing.note(now, (ADA, channel), Counted::Leave, 7);
        }
        assert!(!hearing.silence(now + Duration::from_secs(3)));
    }
}
