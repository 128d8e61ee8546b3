//! How far a reader is in one stream of messages, and what it lacks there.

use crate::delivery::{Fault, Faults, Gaps};

/// A reader's place in a stream, whose messages are numbered from 1 without a gap. There are very
/// many of these, so they are small.
#[derive(Debug)]
pub(super) struct Place {
    /// The number that comes next.
    next: u64,
    /// What was passed over: late when it comes, lost when it does not.
    missing: Option<Box<Gaps>>,
    /// Whether anything was heard.
    begun: bool,
}

/// What a message was to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The one that had to come, or a later one.
    New,
    /// One that others had overtaken.
    Late,
    /// One that was there.
    Again,
}

impl Place {
    /// The place of who hears everything that is said after this number. What was on its way just
    /// then may come too.
    pub(super) fn after(number: u64) -> Self {
        Self { next: number + 1, missing: None, begun: false }
    }

    /// The next thing heard is new, whatever came before: the reader was away, and nobody owes it
    /// what it missed before this number.
    pub(super) fn skip_to(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
        self.begun = false;
    }

    /// A message was heard.
    pub(super) fn hear(&mut self, number: u64) -> Heard {
        if number >= self.next {
            if number > self.next {
                self.missing.get_or_insert_default().add(self.next, number - 1);
            }
            self.next = number + 1;
            self.begun = true;
            return Heard::New;
        }
        if !self.begun {
            // It was on its way when this reader came.
            self.next = number + 1;
            self.begun = true;
            return Heard::New;
        }
        let was_missing = self.missing.as_mut().is_some_and(|missing| missing.take(number));
        if was_missing { Heard::Late } else { Heard::Again }
    }

    /// How much of what was said, up to this number, has not come, leaving out these.
    pub(super) fn lacks(&self, last: u64, excused: &Gaps) -> u64 {
        let missing = self.missing.iter().flat_map(|missing| missing.ranges());
        let behind = (self.next, last);
        let lacking = missing.chain((self.next <= last).then_some(behind));
        let lacking = lacking.map(|(first, end)| end - first + 1 - excused.within(first, end));
        lacking.sum::<u64>() + self.missing.as_ref().map_or(0, |missing| missing.forgotten())
    }
}

impl Heard {
    /// Notes what is wrong with it, if anything is.
    pub(super) fn note(self, faults: &mut Faults, what: impl FnOnce() -> String) {
        match self {
            Self::New => {}
            Self::Late => faults.add(Fault::Disordered, 1, what),
            Self::Again => faults.add(Fault::Duplicated, 1, what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(place: &mut Place, numbers: &[u64]) -> Vec<Heard> {
        numbers.iter().map(|number| place.hear(*number)).collect()
    }

    #[test]
    fn what_comes_late_twice_or_never_is_told_apart() {
        let mut place = Place::after(0);
        let heard = hear(&mut place, &[1, 2, 4, 3, 3, 2, 6]);
        use Heard::{Again, Late, New};
        assert_eq!(heard, [New, New, New, Late, Again, Again, New]);
        assert_eq!(place.lacks(6, &Gaps::default()), 1);
        assert_eq!(place.lacks(8, &Gaps::default()), 3);
        let mut excused = Gaps::default();
        excused.add(5, 5);
        excused.add(8, 9);
        assert_eq!(place.lacks(8, &excused), 1);
    }

    #[test]
    fn what_was_on_its_way_when_a_reader_came_is_no_fault() {
        let mut place = Place::after(10);
        assert_eq!(place.lacks(10, &Gaps::default()), 0);
        assert_eq!(hear(&mut place, &[9, 10, 11]), [Heard::New; 3]);
        assert_eq!(place.hear(9), Heard::Again);
        let mut place = Place::after(10);
        assert_eq!(place.hear(12), Heard::New);
        assert_eq!(place.lacks(12, &Gaps::default()), 1, "11 had to come");
    }

    #[test]
    fn who_was_away_lacks_what_it_lacked_before_and_after_but_not_meanwhile() {
        let mut place = Place::after(0);
        hear(&mut place, &[1, 3]);
        place.skip_to(7);
        assert_eq!(place.hear(7), Heard::New, "it was on its way");
        assert_eq!(place.hear(9), Heard::New);
        assert_eq!(place.lacks(9, &Gaps::default()), 2, "2 and 8");
    }
}
