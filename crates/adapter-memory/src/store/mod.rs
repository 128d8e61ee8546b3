//! Accounts, sessions, rooms, members, messages, receipts, uploads, prekeys, invitations,
//! subscriptions to pushes and applications in memory, for tests.

mod accounts;
mod apps;
mod invites;
mod members;
mod messages;
mod prekeys;
mod pushes;
mod receipts;
mod rooms;
mod sessions;
mod uploads;

use crate::lock;
use campanile_core::{
    application::Application,
    channel::AppId,
    invite::{Invite, InviteHash},
    limits::Limits,
    message::{Epoch, Message, Sequence},
    name::{RoomName, UserName},
    room::{Member, Role, Room, RoomKind},
    time::Timestamp,
    upload::{Upload, UploadId},
    user::{Account, Session, TokenHash},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// Keeps everything in memory: durable until the process ends, which is enough for a test.
#[derive(Debug)]
pub struct MemoryStore {
    idempotency_window: Duration,
    reactions_per_message_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<UserName, Account>,
    sessions: HashMap<TokenHash, Session>,
    rooms: BTreeMap<RoomName, RoomRecord>,
    // With the epoch of the room: a later room of the same name has another.
    uploads: HashMap<UploadId, (Upload, Epoch)>,
    prekeys: HashMap<UserName, prekeys::Published>,
    invites: HashMap<InviteHash, Invite>,
    pushes: Vec<pushes::Subscribed>,
    apps: BTreeMap<AppId, Application>,
}

#[derive(Debug)]
struct RoomRecord {
    kind: RoomKind,
    topic: String,
    retention: Option<Duration>,
    epoch: Epoch,
    created_at: Timestamp,
    last_seq: u64,
    amended_at: Option<Timestamp>,
    members: BTreeMap<UserName, MemberRecord>,
    // The last ones: the first of them is `last_seq - messages.len() + 1`.
    messages: VecDeque<Stored>,
    keys: HashMap<(UserName, Arc<str>), Remembered>,
}

#[derive(Clone, Copy, Debug)]
struct MemberRecord {
    role: Role,
    joined_at: Timestamp,
    read_seq: Sequence,
}

#[derive(Debug)]
struct Stored {
    message: Message,
    reactions: Vec<(Arc<str>, UserName)>,
}

/// What became of a draft with a key.
#[derive(Clone, Copy, Debug)]
struct Remembered {
    seq: Sequence,
    at: Timestamp,
}

impl MemoryStore {
    /// An empty store that remembers idempotency keys for `idempotency_window`.
    pub fn new(idempotency_window: Duration) -> Self {
        Self {
            idempotency_window,
            reactions_per_message_max: Limits::default().reactions_per_message_max,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Limits::default().idempotency_window)
    }
}

impl State {
    fn member(&self, user: &UserName, record: &MemberRecord) -> Member {
        let account = self.accounts.get(user);
        Member {
            user: user.clone(),
            role: record.role,
            joined_at: record.joined_at,
            read_seq: record.read_seq,
            last_seen: account.and_then(|account| account.last_seen),
        }
    }
}

impl RoomRecord {
    fn room(&self, name: &RoomName) -> Room {
        Room {
            name: name.clone(),
            kind: self.kind,
            topic: self.topic.clone(),
            retention: self.retention,
            members: self.members.len() as u64,
            last_seq: Sequence(self.last_seq),
            epoch: self.epoch,
            created_at: self.created_at,
        }
    }

    fn first_seq(&self) -> u64 {
        self.last_seq - self.messages.len() as u64 + 1
    }

    fn place(&self, seq: Sequence) -> Option<usize> {
        let place = seq.0.checked_sub(self.first_seq())?;
        usize::try_from(place).ok().filter(|place| *place < self.messages.len())
    }
}
