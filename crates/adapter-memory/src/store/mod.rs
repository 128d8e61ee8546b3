//! A store in memory: the shortest thing that keeps the contracts.

mod accounts;
mod members;
mod messages;
mod rooms;

use campanile_core::{
    message::{Epoch, Message, Sequence},
    name::{RoomName, UserName},
    room::{Role, Room, RoomKind},
    time::Timestamp,
    user::{Account, Session, TokenHash},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Accounts, sessions, rooms, members, messages and receipts, until the process ends.
pub struct MemoryStore {
    tables: Mutex<Tables>,
    idempotency_window: Duration,
}

#[derive(Default)]
struct Tables {
    accounts: BTreeMap<UserName, Account>,
    sessions: HashMap<TokenHash, Session>,
    rooms: BTreeMap<RoomName, RoomRecord>,
}

struct RoomRecord {
    kind: RoomKind,
    topic: String,
    epoch: Epoch,
    created_at: Timestamp,
    last_seq: Sequence,
    members: BTreeMap<UserName, MemberRecord>,
    messages: BTreeMap<Sequence, Arc<Message>>,
    keys: HashMap<(UserName, Arc<str>), (Timestamp, Arc<Message>)>,
}

#[derive(Clone, Copy)]
struct MemberRecord {
    role: Role,
    joined_at: Timestamp,
    read_seq: Sequence,
}

impl MemoryStore {
    /// An empty store that remembers idempotency keys for `idempotency_window`.
    pub fn new(idempotency_window: Duration) -> Self {
        Self {
            tables: Mutex::default(),
            idempotency_window,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Each call finishes its change before it can panic, so the tables are whole.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomRecord {
    fn room(&self, name: &RoomName) -> Room {
        Room {
            name: name.clone(),
            kind: self.kind,
            topic: self.topic.clone(),
            members: self.members.len() as u64,
            last_seq: self.last_seq,
            epoch: self.epoch,
            created_at: self.created_at,
        }
    }
}
