//! What two stores have, side by side.

use campanile_core::transfer::Comparison;
use std::fmt::Write;

/// A line a part.
pub(super) fn of(compared: &[Comparison]) -> String {
    let mut table = format!("{:<18} {:>12} {:>12}  digest\n", "part", "source", "destination");
    for comparison in compared {
        let Comparison { what, source, copy } = comparison;
        let verdict = match comparison.is_equal() {
            true => "same".to_owned(),
            false => format!("DIFFERS: {}", copy.brief()),
        };
        let (counts, digest) = ((source.count, copy.count), source.brief());
        let line = format!("{what:<18} {:>12} {:>12}  {digest}  {verdict}", counts.0, counts.1);
        writeln!(table, "{line}").expect("a text takes everything");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::transfer::{Tally, Value};

    #[test]
    fn what_differs_is_seen() {
        let mut full = Tally::default();
        full.add(&[Value::Integer(1)]);
        let compared = |copy| of(&[Comparison { what: "messages", source: full, copy }]);
        let same = compared(full);
        assert!(same.lines().nth(1).is_some_and(|line| line.ends_with("same")), "{same}");
        let differs = compared(Tally::default());
        assert!(differs.contains("messages                      1            0  "), "{differs}");
        assert!(differs.contains("DIFFERS: 0000000000000000"), "{differs}");
    }
}
