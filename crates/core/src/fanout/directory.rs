//! The directory: which rooms and users this node has, counted once however many workers have a
//! part of them.

use crate::{
    name::{RoomName, UserName},
    room::RoomKind,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

/// What this node has open. Touched when a worker meets a room or a user for the first or last
/// time, never per message.
#[derive(Debug, Default)]
pub struct Directory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<RoomName, OpenRoom>,
    /// How many connections the user has.
    users: HashMap<UserName, usize>,
}

#[derive(Debug)]
struct OpenRoom {
    kind: RoomKind,
    /// Workers that have listeners in it.
    workers: usize,
    /// Connections that listen to it.
    listeners: usize,
}

/// Whether something is new to the node, or gone from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// This was the first, or the last.
    Edge,
    /// There were, or are, others.
    Middle,
}

impl Directory {
    /// Rooms of a kind with at least one subscriber, and their subscriptions.
    pub fn rooms(&self, kind: RoomKind) -> (usize, usize) {
        let inner = self.lock();
        let rooms = inner.rooms.values().filter(|room| room.kind == kind);
        rooms.fold((0, 0), |(rooms, listeners), room| (rooms + 1, listeners + room.listeners))
    }

    /// The rooms with at least one subscriber.
    pub fn names(&self) -> Vec<RoomName> {
        self.lock().rooms.keys().cloned().collect()
    }

    /// Subscriptions to a room on this node.
    pub fn listeners(&self, room: &RoomName) -> usize {
        self.lock().rooms.get(room).map_or(0, |room| room.listeners)
    }

    /// Users with at least one connection.
    pub fn users(&self) -> usize {
        self.lock().users.len()
    }

    /// A connection asks to be counted; refused when the user has `connections_max` already.
    pub(crate) fn arrive(&self, user: &UserName, connections_max: usize) -> bool {
        let mut inner = self.lock();
        let connections = inner.users.get(user).copied().unwrap_or(0);
        if connections >= connections_max {
            return false;
        }
        inner.users.insert(user.clone(), connections + 1);
        true
    }

    pub(crate) fn depart(&self, user: &UserName) {
        let mut inner = self.lock();
        if let Some(connections) = inner.users.get_mut(user) {
            *connections -= 1;
            if *connections == 0 {
                inner.users.remove(user);
            }
        }
    }

    pub(super) fn open(&self, room: &RoomName, kind: RoomKind) -> Turn {
        let mut inner = self.lock();
        let fresh = || OpenRoom { kind, workers: 0, listeners: 0 };
        let room = inner.rooms.entry(room.clone()).or_insert_with(fresh);
        room.workers += 1;
        if room.workers == 1 { Turn::Edge } else { Turn::Middle }
    }

    pub(super) fn close(&self, name: &RoomName) -> Turn {
        let mut inner = self.lock();
        let Some(room) = inner.rooms.get_mut(name) else {
            return Turn::Middle;
        };
        room.workers -= 1;
        if room.workers > 0 {
            return Turn::Middle;
        }
        inner.rooms.remove(name);
        Turn::Edge
    }

    /// Counts a subscription; how many the room has now.
    pub(super) fn subscribed(&self, room: &RoomName) -> usize {
        let mut inner = self.lock();
        let Some(room) = inner.rooms.get_mut(room) else {
            return 0;
        };
        room.listeners += 1;
        room.listeners
    }

    /// The same for one that ended.
    pub(super) fn unsubscribed(&self, room: &RoomName) -> usize {
        let mut inner = self.lock();
        let Some(room) = inner.rooms.get_mut(room) else {
            return 0;
        };
        room.listeners -= 1;
        room.listeners
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics")
    }
}
