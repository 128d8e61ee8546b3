//! Whether anything was lost, said twice, or out of place.

use crate::{
    crowd::{Listened, ROOM, Written},
    nodes::Cluster,
};
use std::{collections::HashMap, time::Duration};

/// What came out.
pub(crate) struct Verdict {
    pub(crate) acknowledged: usize,
    /// The longest time until a listener heard what was acknowledged.
    pub(crate) delay: Duration,
    pub(crate) cuts: usize,
}

/// Every acknowledged message is kept once, in the place that was told, and every listener has heard
/// every message once, in its place.
#[track_caller]
pub(crate) fn nothing_lost(
    cluster: &Cluster,
    token: &str,
    (written, listened): (Vec<Written>, Vec<Listened>),
) -> Verdict {
    let kept = cluster.history(0, ROOM, token);
    for (place, message) in kept.iter().enumerate() {
        assert_eq!(message["seq"], place as u64 + 1, "the numbers have no gap");
    }
    let mut places: HashMap<&str, u64> = HashMap::new();
    for message in &kept {
        let (key, seq) = (message["body"].as_str(), message["seq"].as_u64());
        let (key, seq) = (key.expect("a text"), seq.expect("a number"));
        assert_eq!(places.insert(key, seq), None, "{key} is kept twice");
    }
    let mut acknowledged = 0;
    for (key, seq) in written.iter().flat_map(|one| &one.numbers) {
        acknowledged += 1;
        assert_eq!(places.get(key.as_str()), Some(seq), "{key} was acknowledged as {seq}");
    }
    for one in &listened {
        let numbers: Vec<u64> = one.heard.iter().map(|(seq, _)| *seq).collect();
        let last = numbers.last().copied().unwrap_or_default();
        let expected: Vec<u64> = (one.from..=last).collect();
        let wrong = numbers.iter().zip(&expected).find(|(heard, expected)| heard != expected);
        assert_eq!(wrong, None, "at node {}: heard out of place", one.node);
        assert_eq!(numbers.len(), expected.len(), "at node {}", one.node);
        let acknowledged = written.iter().flat_map(|one| one.numbers.values()).max();
        assert!(
            last >= acknowledged.copied().unwrap_or_default(),
            "at node {}: the end is lost",
            one.node
        );
    }
    Verdict {
        acknowledged,
        delay: listened.iter().map(|one| one.delay).max().unwrap_or_default(),
        cuts: listened.iter().map(|one| one.cuts).sum(),
    }
}
