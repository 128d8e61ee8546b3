//! What a measured message says: of which stream it is, its place there, and when it was due.
//!
//! It has a fixed width and nothing that JSON escapes, so it is found in a frame of any protocol
//! without reading the frame.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Of which stream it is.
    pub(super) stream: u32,
    /// Its place there: 1 for the first.
    pub(super) number: u64,
    /// When it was due, in microseconds from the beginning of the run.
    pub(super) due_micros: u64,
}

const HEAD_BYTES: usize = "bell-00000000-".len();
const STREAM_DIGITS: usize = 8;
const NUMBER_DIGITS: usize = 12;
const DUE_DIGITS: usize = 12;

/// Bytes of a mark.
pub(super) const MARK_BYTES: usize =
    HEAD_BYTES + STREAM_DIGITS + 1 + NUMBER_DIGITS + 1 + DUE_DIGITS;

/// Writes and finds the marks of one run.
#[derive(Debug)]
pub(super) struct Marks {
    head: [u8; HEAD_BYTES],
    /// Where the last mark was: frames of one kind have it at one place.
    hint: AtomicUsize,
}

impl Marks {
    /// Those of the run with this name of eight characters.
    pub(super) fn of(run: &str) -> Self {
        let head = format!("bell-{run}-");
        let head = head.as_bytes().try_into().expect("a run has a name of eight characters");
        Self { head, hint: AtomicUsize::new(0) }
    }

    /// A message with this mark, filled up to so many bytes.
    pub(super) fn message(&self, mark: Mark, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes.max(MARK_BYTES));
        text.extend(self.head.iter().map(|byte| char::from(*byte)));
        let Mark { stream, number, due_micros } = mark;
        write!(text, "{stream:08x}-{number:012x}-{due_micros:012x}")
            .expect("a string takes every character");
        text.extend(std::iter::repeat_n('.', bytes.saturating_sub(MARK_BYTES)));
        text
    }

    /// The mark of a frame, if it has one.
    pub(super) fn find(&self, frame: &[u8]) -> Option<Mark> {
        let hint = self.hint.load(Ordering::Relaxed);
        if let Some(mark) = self.read(frame, hint) {
            return Some(mark);
        }
        let (at, mark) = self.search(frame, 0)?;
        self.hint.store(at, Ordering::Relaxed);
        Some(mark)
    }

    /// Every mark of a frame that holds several messages.
    pub(super) fn find_all(&self, frame: &[u8]) -> Vec<Mark> {
        let (mut marks, mut from) = (Vec::new(), 0);
        while let Some((at, mark)) = self.search(frame, from) {
            marks.push(mark);
            from = at + MARK_BYTES;
        }
        marks
    }

    fn search(&self, frame: &[u8], from: usize) -> Option<(usize, Mark)> {
        let last = frame.len().checked_sub(MARK_BYTES)?;
        (from..=last).find_map(|at| Some((at, self.read(frame, at)?)))
    }

    fn read(&self, frame: &[u8], at: usize) -> Option<Mark> {
        let mut rest = frame.get(at..at + MARK_BYTES)?.strip_prefix(&self.head)?;
        let mut part = |digits: usize| {
            let (part, behind) = rest.split_at(digits);
            rest = behind.get(1..).unwrap_or_default();
            number_of(part)
        };
        let stream = u32::try_from(part(STREAM_DIGITS)?).ok()?;
        Some(Mark { stream, number: part(NUMBER_DIGITS)?, due_micros: part(DUE_DIGITS)? })
    }
}

fn number_of(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark { stream: 0xbeef, number: 77, due_micros: 123_456_789 };

    #[test]
    fn a_mark_is_found_wherever_it_stands() {
        let marks = Marks::of("0123abcd");
        for (before, after) in [("", ""), ("{\"body\":\"", "\"}"), ("{\"b\":\"\\\"", "…\"}")] {
            let frame = format!("{before}{}{after}", marks.message(MARK, 100));
            assert_eq!(marks.find(frame.as_bytes()), Some(MARK), "{frame}");
            assert_eq!(marks.find(frame.as_bytes()), Some(MARK), "and at the same place again");
        }
        assert_eq!(marks.message(MARK, 100).len(), 100);
        assert_eq!(marks.message(MARK, 1).len(), MARK_BYTES);
    }

    #[test]
    fn all_marks_of_a_frame_are_found() {
        let marks = Marks::of("0123abcd");
        let other = Mark { number: 78, ..MARK };
        let frame = format!("{}x{}", marks.message(MARK, 60), marks.message(other, 0));
        assert_eq!(marks.find_all(frame.as_bytes()), [MARK, other]);
    }

    #[test]
    fn what_is_no_mark_of_the_run_is_none() {
        let marks = Marks::of("0123abcd");
        let of_another = Marks::of("0123abce").message(MARK, 0);
        let cut = marks.message(MARK, 0)[..MARK_BYTES - 1].to_owned();
        let wrong = marks.message(MARK, 0).replace("beef", "beeg");
        for frame in ["", "bell-0123abcd-", &of_another, &cut, &wrong] {
            assert_eq!(marks.find(frame.as_bytes()), None, "{frame}");
        }
    }
}
