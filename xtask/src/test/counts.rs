//! Reads from the output of test runners how many tests ran.

use super::report::Totals;

/// Adds up what `cargo test` says at the end of each of its programs.
#[derive(Default)]
pub(crate) struct CargoTest {
    pub(crate) totals: Totals,
}

impl CargoTest {
    pub(crate) fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.totals.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.totals.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.totals.skipped += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// Reads the closing lines of node's test runner, in TAP or in its own layout.
#[derive(Default)]
pub(crate) struct NodeTest {
    pub(crate) totals: Totals,
}

impl NodeTest {
    pub(crate) fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else {
            return;
        };
        let Some((what, number)) = result.split_once(' ') else {
            return;
        };
        let Ok(number) = number.parse() else { return };
        match what {
            "pass" => self.totals.passed = number,
            "fail" | "cancelled" => self.totals.failed += number,
            "skipped" | "todo" => self.totals.skipped += number,
            _ => {}
        }
    }
}

/// Reads the closing lines of Python's `unittest`.
#[derive(Default)]
pub(crate) struct UnitTest {
    pub(crate) totals: Totals,
}

impl UnitTest {
    pub(crate) fn read(&mut self, line: &str) {
        let ran = line.strip_prefix("Ran ").and_then(|rest| rest.split(' ').next());
        if let Some(number) = ran.and_then(|number| number.parse().ok()) {
            self.totals.passed = number;
        }
        let Some((_, counts)) = line.split_once('(').filter(|(how, _)| is_verdict(how)) else {
            return;
        };
        for count in counts.trim_end_matches(')').split(", ") {
            let Some((what, number)) = count.split_once('=') else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            self.totals.passed = self.totals.passed.saturating_sub(number);
            match what {
                "skipped" | "expected failures" => self.totals.skipped += number,
                _ => self.totals.failed += number,
            }
        }
    }
}

fn is_verdict(text: &str) -> bool {
    matches!(text.trim_end(), "OK" | "FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_test_is_added_up() {
        let mut counts = CargoTest::default();
        for line in [
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 4 passed; 3 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s",
        ] {
            counts.read(line);
        }
        assert_eq!(counts.totals, Totals { passed: 6, failed: 3, skipped: 1 });
    }

    #[test]
    fn node_is_read_in_both_layouts() {
        for mark in ["#", "ℹ"] {
            let mut counts = NodeTest::default();
            for line in [
                "tests 9",
                "pass 4",
                "fail 2",
                "cancelled 1",
                "skipped 1",
                "todo 1",
                "duration_ms 9.5",
            ] {
                counts.read(&format!("{mark} {line}"));
            }
            assert_eq!(counts.totals, Totals { passed: 4, failed: 3, skipped: 2 });
        }
    }

    #[test]
    fn unittest_is_read() {
        for (verdict, totals) in [
            ("OK", Totals { passed: 9, failed: 0, skipped: 0 }),
            ("OK (skipped=2)", Totals { passed: 7, failed: 0, skipped: 2 }),
            (
                "FAILED (failures=1, errors=2, skipped=1)",
                Totals { passed: 5, failed: 3, skipped: 1 },
            ),
        ] {
            let mut counts = UnitTest::default();
            for line in ["test_a (b.C.test_a) ... ok", "Ran 9 tests in 0.257s", "", verdict] {
                counts.read(line);
            }
            assert_eq!(counts.totals, totals, "{verdict}");
        }
    }
}
