//! Which of the publications of a request were done.

use std::{cell::RefCell, collections::BTreeSet, fmt};

/// Which of the publications of a request were done, by their places in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part(RefCell<BTreeSet<usize>>);

impl Part {
    /// As [`fmt::Display`] writes it. What makes no sense, such as what a newer server wrote, is
    /// left out.
    pub(super) fn parse(text: &str) -> Self {
        Self(RefCell::new(text.split(',').filter_map(|place| place.parse().ok()).collect()))
    }

    /// Whether nothing was done.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Whether the one at this place was done.
    pub(super) fn has(&self, place: usize) -> bool {
        self.0.borrow().contains(&place)
    }

    /// Notes that the one at this place is done.
    pub(super) fn note(&self, place: usize) {
        self.0.borrow_mut().insert(place);
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, place) in self.0.borrow().iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(formatter, "{comma}{place}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_was_written() {
        let part = Part::default();
        assert!(part.is_empty() && part == Part::parse(&part.to_string()));
        for place in [7, 0, 7, 12] {
            part.note(place);
        }
        assert_eq!(part.to_string(), "0,7,12");
        assert_eq!(Part::parse("0,7,12"), part);
        assert!(part.has(7) && !part.has(1) && !part.is_empty());
        assert_eq!(Part::parse("0,x,,7,-1,12,1e3"), part);
    }
}
