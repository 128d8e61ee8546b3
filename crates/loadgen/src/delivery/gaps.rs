//! Numbers that are still to come, as ranges.

use std::collections::BTreeMap;

/// Ranges that are kept apart; what is beyond is only counted.
const RANGES_MAX: usize = 4096;

/// Ranges of numbers: from the first to the last of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gaps {
    ranges: BTreeMap<u64, u64>,
    forgotten: u64,
}

impl Gaps {
    /// Adds a range that is above all others; an empty one is none.
    pub(crate) fn add(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        if self.ranges.len() < RANGES_MAX {
            self.ranges.insert(first, last);
        } else {
            self.forgotten += last - first + 1;
        }
    }

    /// Takes a number out; whether it was there.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        let below = self.ranges.range(..=number).next_back();
        let Some((first, last)) = below.map(|(first, last)| (*first, *last)) else { return false };
        if last < number {
            return false;
        }
        self.ranges.remove(&first);
        if first < number {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
        }
        true
    }

    /// Takes out everything up to a number; how much that was.
    pub(crate) fn take_to(&mut self, number: u64) -> u64 {
        let mut taken = 0;
        while let Some((first, last)) = self.first().filter(|(first, _)| *first <= number) {
            self.ranges.remove(&first);
            let end = last.min(number);
            taken += end - first + 1;
            self.add(end + 1, last);
        }
        taken
    }

    /// The lowest range.
    pub(crate) fn first(&self) -> Option<(u64, u64)> {
        self.ranges.first_key_value().map(|(first, last)| (*first, *last))
    }

    /// The ranges that are kept, ascending.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.iter().map(|(first, last)| (*first, *last))
    }

    /// How many numbers are in ranges that were too many to be kept.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many of the numbers from the first to the last are in it.
    pub(crate) fn within(&self, first: u64, last: u64) -> u64 {
        let reaching = self.ranges.range(..=last).rev().take_while(|(_, end)| **end >= first);
        reaching.map(|(begin, end)| last.min(*end) - first.max(*begin) + 1).sum()
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| last - first + 1).sum::<u64>() + self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_once() {
        let mut gaps = Gaps::default();
        gaps.add(3, 7);
        gaps.add(9, 8);
        assert_eq!(gaps.count(), 5);
        assert!(gaps.take(5) && !gaps.take(5) && !gaps.take(2) && !gaps.take(8));
        assert!(gaps.take(3) && gaps.take(7));
        assert_eq!((gaps.count(), gaps.first()), (2, Some((4, 4))));
    }

    #[test]
    fn what_is_below_is_taken_together() {
        let mut gaps = Gaps::default();
        gaps.add(3, 7);
        gaps.add(10, 12);
        assert_eq!(gaps.take_to(10), 6);
        assert_eq!(gaps.first(), Some((11, 12)));
        assert_eq!(gaps.take_to(2), 0);
    }

    #[test]
    fn what_is_within_bounds_is_counted() {
        let mut gaps = Gaps::default();
        gaps.add(3, 7);
        gaps.add(10, 12);
        for (first, last, within) in [(1, 2, 0), (1, 3, 1), (5, 11, 5), (8, 9, 0), (4, 6, 3)] {
            assert_eq!(gaps.within(first, last), within, "{first} to {last}");
        }
    }

    #[test]
    fn many_ranges_are_counted_and_not_kept() {
        let mut gaps = Gaps::default();
        for number in 0..10_000 {
            gaps.add(number * 2, number * 2);
        }
        assert_eq!(gaps.count(), 10_000);
        assert_eq!(gaps.ranges.len(), RANGES_MAX);
    }
}
