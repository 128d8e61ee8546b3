//! The roll: who is connected and listens where, to be held against the store; and what the store
//! said.

use super::hub::Hub;
use crate::{
    channel::Channel,
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    port::ChannelSeen,
    room::RoomKind,
    user::TokenHash,
};
use std::collections::HashSet;

/// What stands and falls with what the store says.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    /// The sessions of all connections.
    pub(crate) tokens: HashSet<TokenHash>,
    /// Who listens to private rooms, which only members may.
    pub(crate) listeners: HashSet<(RoomName, UserName)>,
}

/// A room as the store has it.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    /// Which.
    pub(crate) room: RoomName,
    /// Its last message; `None` when it is no more.
    pub(crate) place: Option<(Epoch, Sequence)>,
    /// Messages of it were changed, and listeners may not know.
    pub(crate) changed: bool,
}

/// A channel with members as the store has it.
#[derive(Debug)]
pub(crate) struct ComparedMembers {
    /// Which.
    pub(crate) channel: Channel,
    /// What it is like.
    pub(crate) seen: ChannelSeen,
    /// Every node has had the time to note its members again.
    pub(crate) is_sure: bool,
}

impl Roll {
    pub(super) fn merge(&mut self, part: Roll) {
        self.tokens.extend(part.tokens);
        self.listeners.extend(part.listeners);
    }
}

impl Hub {
    pub(super) fn roll(&self) -> Roll {
        let state = self.state.borrow();
        let private = state.rooms.iter().filter(|(_, room)| room.kind == RoomKind::Private);
        Roll {
            tokens: state.users.values().flatten().map(|seat| seat.token).collect(),
            listeners: private
                .flat_map(|(name, room)| room.seats().map(|seat| (name.clone(), seat.user.clone())))
                .collect(),
        }
    }
}
