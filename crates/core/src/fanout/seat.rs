//! A connection's place in the fan-out.

use super::outbox::Outbox;
use crate::{
    labels::Transport,
    name::{RoomName, UserName},
    port::ConnectionId,
    time::Timestamp,
    user::TokenHash,
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::IpAddr,
    rc::Rc,
};

/// A connection as its hub knows it.
pub(crate) struct Seat {
    pub(crate) id: ConnectionId,
    pub(crate) user: UserName,
    pub(crate) token: TokenHash,
    pub(crate) protocol: usize,
    pub(crate) transport: Transport,
    pub(crate) address: IpAddr,
    pub(crate) since: Timestamp,
    pub(crate) outbox: Rc<Outbox>,
    /// Where it stands among each room's listeners.
    pub(crate) rooms: RefCell<HashMap<RoomName, usize>>,
    /// The last delivery to several rooms that reached it.
    pub(crate) stamp: Cell<u64>,
}
