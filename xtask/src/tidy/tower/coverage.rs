//! Everything that is measured is shown or rings: a metric is on a board or in a rule.

use std::collections::BTreeSet;

use super::super::finding::Finding;
use super::uses::{By, Uses};
use crate::tower::Catalogue;
use crate::tower::catalogue::{FOREIGN, OURS};

pub(super) fn check(catalogue: &Catalogue, uses: &Uses) -> Vec<Finding> {
    let names_used = |by: &[By]| -> BTreeSet<String> {
        let uses = uses.all.iter().filter(|used| by.contains(&used.by));
        uses.flat_map(|used| used.query.selectors()).map(|selector| selector.name).collect()
    };
    let watched: BTreeSet<String> = names_used(&[By::Rule, By::Board])
        .iter()
        .filter_map(|series| Some(catalogue.metric_of(series)?.name.clone()))
        .collect();
    let named = names_used(&[By::Rule, By::Board, By::Document]);
    let unwatched = catalogue.ours().filter(|metric| !watched.contains(&metric.name));
    let unused = catalogue.foreign().filter(|(metric, _)| !named.contains(*metric));
    unwatched
        .map(|metric| {
            Finding::about(OURS, format!("`{}` is on no board and in no alert", metric.name))
        })
        .chain(unused.map(|(metric, _)| {
            Finding::about(FOREIGN, format!("`{metric}` is listed and used nowhere"))
        }))
        .collect()
}
