//! What can be wrong with a delivery, counted and named.

use serde::Serialize;

/// Faults that are told in words; further ones are only counted.
const NAMED_MAX: usize = 20;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message did not arrive.
    Lost,
    /// A message arrived twice, or was stored twice.
    Duplicated,
    /// A message arrived after a later one.
    Disordered,
    /// One place of a room was given to two messages.
    Contradicted,
}

/// All that was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Messages that did not arrive, for each reader whom they did not reach.
    pub lost: u64,
    /// Messages that came twice.
    pub duplicated: u64,
    /// Messages that came after later ones.
    pub out_of_order: u64,
    /// Places of a room at which two messages were seen.
    pub contradicted: u64,
    /// The first of them in words.
    pub named: Vec<String>,
}

impl Faults {
    /// So many of a kind, which have this in common.
    pub fn add(&mut self, fault: Fault, many: u64, what: impl FnOnce() -> String) {
        let (count, word) = match fault {
            Fault::Lost => (&mut self.lost, "lost"),
            Fault::Duplicated => (&mut self.duplicated, "duplicated"),
            Fault::Disordered => (&mut self.out_of_order, "out of order"),
            Fault::Contradicted => (&mut self.contradicted, "contradicted"),
        };
        *count += many;
        if many > 0 && self.named.len() < NAMED_MAX {
            self.named.push(format!("{word}: {}", what()));
        }
    }

    /// Whether all went well.
    pub fn is_empty(&self) -> bool {
        self.lost + self.duplicated + self.out_of_order + self.contradicted == 0
    }
}
