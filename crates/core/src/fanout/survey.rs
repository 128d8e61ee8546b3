//! A survey: what operators may see of connections and rooms.

use super::{listeners::Room, seat::Seat};
use crate::{
    labels::Transport,
    name::{RoomName, UserName},
    port::ConnectionId,
    room::RoomKind,
    time::Timestamp,
};
use std::{cmp::Reverse, net::IpAddr};

/// What the workers answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// How many connections there are.
    pub connections_open: u64,
    /// How many users have one.
    pub users: u64,
    /// Some connections, oldest first.
    pub connections: Vec<ConnectionSeen>,
    /// The rooms with the most messages since this node first opened them.
    pub rooms: Vec<RoomSeen>,
}

/// A connection as operators see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSeen {
    /// Which.
    pub connection: ConnectionId,
    /// Whose.
    pub user: UserName,
    /// How.
    pub transport: Transport,
    /// From where.
    pub address: IpAddr,
    /// Since when.
    pub since: Timestamp,
    /// How many rooms it listens to.
    pub rooms: usize,
    /// Bytes that wait for it.
    pub outbox_bytes: usize,
}

/// A room as operators see it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomSeen {
    /// Which.
    pub room: RoomName,
    /// Of what kind.
    pub kind: RoomKind,
    /// Connections that listen to it on this node.
    pub participants: usize,
    /// Messages since this node opened it.
    pub messages: u64,
}

impl ConnectionSeen {
    pub(super) fn of(seat: &Seat) -> Self {
        Self {
            connection: seat.id,
            user: seat.user.clone(),
            transport: seat.transport,
            address: seat.address,
            since: seat.since,
            rooms: seat.rooms.borrow().len(),
            outbox_bytes: seat.outbox.bytes(),
        }
    }
}

impl RoomSeen {
    pub(super) fn of(name: &RoomName, room: &Room) -> Self {
        Self {
            room: name.clone(),
            kind: room.kind,
            participants: room.len(),
            messages: room.messages,
        }
    }
}

impl Survey {
    /// Adds another worker's or node's part: its connections, and its share of each room.
    pub(crate) fn merge(&mut self, part: Survey) {
        self.connections_open += part.connections_open;
        self.users += part.users;
        self.connections.extend(part.connections);
        for room in part.rooms {
            match self.rooms.iter_mut().find(|known| known.room == room.room) {
                Some(known) => {
                    known.participants += room.participants;
                    // Each counts every message once, so they are not added up.
                    known.messages = known.messages.max(room.messages);
                }
                None => self.rooms.push(room),
            }
        }
    }

    pub(crate) fn trim(&mut self, connections_max: usize, rooms_max: usize) {
        self.connections.sort_by_key(|seen| (seen.since, seen.connection));
        self.connections.truncate(connections_max);
        self.rooms.sort_by_key(|room| Reverse((room.messages, room.participants)));
        self.rooms.truncate(rooms_max);
    }
}
