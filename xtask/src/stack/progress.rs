//! What is told while a stack starts: each service, once, as it becomes healthy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How far a start has come, by one clock.
pub(super) struct Progress<'s> {
    start: Instant,
    services: &'s [String],
    healthy: BTreeSet<&'s str>,
}

impl<'s> Progress<'s> {
    pub(super) fn start(services: &'s [String]) -> Self {
        Self { start: Instant::now(), services, healthy: BTreeSet::new() }
    }

    /// Shows who has become healthy; who has not, and how it is instead.
    pub(super) fn show(&mut self, states: &BTreeMap<String, String>) -> Vec<String> {
        let (new, waiting) = self.look(states);
        for service in new {
            println!("  {:>5.1} s  {service} is healthy", self.start.elapsed().as_secs_f64());
        }
        waiting
    }

    /// Who has become healthy since the last look, and who is not.
    fn look(&mut self, states: &BTreeMap<String, String>) -> (Vec<&'s str>, Vec<String>) {
        let (mut new, mut waiting) = (Vec::new(), Vec::new());
        for service in self.services {
            let state = states.get(service).map_or("not there", String::as_str);
            if state != "healthy" {
                waiting.push(format!("{service} is {state}"));
            } else if self.healthy.insert(service) {
                new.push(service.as_str());
            }
        }
        (new, waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_is_told_of_once_and_who_is_awaited_is_known() {
        let services = ["haproxy", "postgres", "redis"].map(str::to_owned);
        let states = |states: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = |(service, state): &(&str, &str)| ((*service).into(), (*state).into());
            states.iter().map(owned).collect()
        };
        let mut progress = Progress::start(&services);
        let (new, waiting) = progress.look(&states(&[]));
        assert!(new.is_empty());
        assert_eq!(waiting[0], "haproxy is not there");
        let (new, waiting) =
            progress.look(&states(&[("postgres", "healthy"), ("redis", "starting")]));
        assert_eq!((new, waiting.len()), (vec!["postgres"], 2));
        assert_eq!(waiting, ["haproxy is not there", "redis is starting"]);
        let all = [("haproxy", "healthy"), ("postgres", "healthy"), ("redis", "healthy")];
        let (new, waiting) = progress.look(&states(&all));
        assert_eq!((new, waiting.len()), (vec!["haproxy", "redis"], 0));
        assert!(progress.look(&states(&all)).0.is_empty());
    }
}
