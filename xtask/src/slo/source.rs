//! What is promised, as people write it down.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// Over how long a promise is kept or broken.
    pub(super) period_days: u32,
    /// Fewer errors ring no alert, whatever their share is.
    pub(super) errors_min: u32,
    pub(super) slos: Vec<Slo>,
}

/// One promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slo {
    pub(super) name: String,
    pub(super) alert: String,
    /// How much is to be good, in per cent.
    pub(super) objective: f64,
    /// What is the matter when it is not kept, as a sentence.
    pub(super) summary: String,
    /// What stands after a share to say what of: `of all messages failed`.
    pub(super) failed: String,
    /// The rate over five minutes of what was not good.
    pub(super) errors: String,
    /// The rate over five minutes of all there was.
    pub(super) events: String,
}

impl Source {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let source: Self = toml::from_str(text)?;
        let mut names = BTreeSet::new();
        for slo in &source.slos {
            ensure!(names.insert(&slo.name), "`{}` is promised twice", slo.name);
            let possible = slo.objective > 0.0 && slo.objective < 100.0;
            ensure!(possible, "`{}` promises {} %", slo.name, slo.objective);
        }
        Ok(source)
    }
}

impl Slo {
    /// How much is to be good, as a ratio.
    pub(super) fn good(&self) -> String {
        ratio(self.objective / 100.0)
    }

    /// How much may be bad, as a ratio.
    pub(super) fn budget(&self) -> String {
        ratio((100.0 - self.objective) / 100.0)
    }
}

/// A ratio as people write it, without what binary fractions add at its end.
fn ratio(value: f64) -> String {
    format!("{value:.8}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(slos: &[(&str, f64)]) -> Result<Source> {
        let slos: String = slos
            .iter()
            .map(|(name, objective)| {
                format!(
                    "[[slos]]\nname = '{name}'\nobjective = {objective:?}\nalert = 'A'\n\
                     summary = 's'\nfailed = 'f'\nerrors = 'e'\nevents = 'v'\n"
                )
            })
            .collect();
        Source::parse(&format!("period_days = 30\nerrors_min = 5\n{slos}"))
    }

    #[test]
    fn a_budget_is_what_is_left_of_the_objective() {
        let source = source(&[("a", 99.9), ("b", 99.0)]).expect("it is well made");
        let budgets: Vec<(String, String)> =
            source.slos.iter().map(|slo| (slo.good(), slo.budget())).collect();
        let pair = |good: &str, budget: &str| (good.to_owned(), budget.to_owned());
        assert_eq!(budgets, [pair("0.999", "0.001"), pair("0.99", "0.01")]);
    }

    #[test]
    fn what_cannot_be_promised_is_refused() {
        assert!(source(&[("a", 100.0)]).is_err());
        assert!(source(&[("a", 0.0)]).is_err());
        assert!(source(&[("a", 99.0), ("a", 99.9)]).is_err());
    }
}
