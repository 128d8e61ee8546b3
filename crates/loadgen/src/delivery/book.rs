//! What is known of one room, from all who speak and listen there.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use campanile_protocol::Epoch;

use super::fault::{Fault, Faults};

/// Messages of which it is remembered which key they have.
const REMEMBERED_MAX: usize = 20_000;

/// A room.
#[derive(Debug, Default)]
pub(super) struct Book {
    epoch: Option<Epoch>,
    /// The highest number that was acknowledged.
    pub(super) acknowledged: u64,
    /// Hashes of keys by number, and numbers by those.
    keys: BTreeMap<u64, u64>,
    seqs: HashMap<u64, u64>,
}

impl Book {
    /// The room has this history. A new one has nothing of the old.
    pub(super) fn turn_to(&mut self, epoch: Epoch) {
        if self.epoch.replace(epoch) != Some(epoch) {
            *self = Self { epoch: Some(epoch), ..Self::default() };
        }
    }

    /// Whether it is this history that is known.
    pub(super) fn is_of(&self, epoch: Epoch) -> bool {
        self.epoch.is_none_or(|known| known == epoch)
    }

    /// The message with this key is at this place, as somebody heard or was told.
    pub(super) fn note(&mut self, room: &str, seq: u64, key: &str, faults: &mut Faults) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        if *self.keys.entry(seq).or_insert(hash) != hash {
            faults.add(Fault::Contradicted, 1, || format!("{seq} of {room} is two messages"));
        }
        let known = *self.seqs.entry(hash).or_insert(seq);
        if known != seq {
            let told = || format!("{key} is stored in {room} as {known} and as {seq}");
            faults.add(Fault::Duplicated, 1, told);
        }
        if self.keys.len() > REMEMBERED_MAX
            && let Some((_, hash)) = self.keys.pop_first()
        {
            self.seqs.remove(&hash);
        }
    }
}
