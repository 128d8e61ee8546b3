//! The checks of one live job: each is named, run, shown and counted.

use anyhow::Result;

use super::report::{Outcome, Totals};

#[derive(Default)]
pub(crate) struct Checks {
    totals: Totals,
}

impl Checks {
    /// Runs one check. A failure is shown with its reason, and the job goes on.
    pub(crate) fn check(&mut self, what: &str, check: impl FnOnce() -> Result<()>) {
        match check() {
            Ok(()) => {
                println!("  ok      {what}");
                self.totals += Totals::PASSED;
            }
            Err(error) => {
                println!("  FAILED  {what}: {error:#}");
                self.totals += Totals::FAILED;
            }
        }
    }

    pub(crate) fn outcome(self) -> Result<Outcome> {
        Ok(Outcome::Ran(self.totals))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failed_check_is_counted_and_the_rest_still_runs() {
        let mut checks = Checks::default();
        checks.check("one", || bail!("broken"));
        checks.check("two", || Ok(()));
        let totals = Totals { passed: 1, failed: 1, skipped: 0 };
        assert_eq!(checks.outcome().ok(), Some(Outcome::Ran(totals)));
    }
}
