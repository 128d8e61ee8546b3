//! What came of a job, and the table at the end.

use std::fmt::Write;
use std::ops::AddAssign;
use std::time::Duration;

use crate::pace;

/// How many tests a job ran, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Totals {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How a job ended that came to an end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ran(Totals),
    /// This machine cannot run it, and nothing that we could install would help.
    Skipped(String),
}

/// One line of the table.
pub(crate) struct Entry {
    pub(crate) job: &'static str,
    pub(crate) took: Duration,
    pub(crate) totals: Totals,
    /// Why it was skipped or came to no end.
    pub(crate) remark: String,
}

/// The table of all jobs. Its last line is the sum, alone on the line.
pub(crate) fn table(entries: &[Entry]) -> String {
    let mut table = String::new();
    let mut sum = Totals::default();
    let _ = writeln!(
        table,
        "{:<14} {:>8} {:>8} {:>8} {:>8}",
        "job", "passed", "failed", "skipped", "time"
    );
    for Entry { job, took, totals, remark } in entries {
        sum += *totals;
        let Totals { passed, failed, skipped } = totals;
        let line = format!(
            "{job:<14} {passed:>8} {failed:>8} {skipped:>8} {:>7.1}s  {remark}",
            took.as_secs_f64()
        );
        let _ = writeln!(table, "{}", line.trim_end());
    }
    let took: Duration = entries.iter().map(|entry| entry.took).sum();
    let _ = writeln!(table, "{:<41}{:>7.1}s", "all", took.as_secs_f64());
    if let Some(line) = pace::complaint("test", took, pace::TEST) {
        let _ = writeln!(table, "\n{line}");
    }
    let _ =
        writeln!(table, "\n{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(job: &'static str, totals: Totals, remark: &str) -> Entry {
        Entry { job, took: Duration::from_millis(1_500), totals, remark: remark.to_owned() }
    }

    #[test]
    fn the_table_ends_with_the_sum_alone_on_a_line() {
        let table = table(&[
            entry("rust", Totals { passed: 7, failed: 1, skipped: 2 }, ""),
            entry("autobahn", Totals { skipped: 1, ..Totals::default() }, "no python2.7"),
        ]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[1], "rust                  7        1        2     1.5s");
        assert_eq!(lines[2], "autobahn              0        0        1     1.5s  no python2.7");
        assert_eq!(lines[3], "all                                          3.0s");
        assert_eq!(lines.last(), Some(&"7 passed, 1 failed, 3 skipped"));
    }

    #[test]
    fn a_run_that_takes_too_long_says_so() {
        let run = |took| table(&[Entry { took, ..entry("rust", Totals::PASSED, "") }]);
        assert!(!run(pace::TEST).contains("more than"));
        assert!(run(pace::TEST + Duration::from_secs(1)).contains("more than"));
    }
}
