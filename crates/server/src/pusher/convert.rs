//! The protocol's names and connections as the core has them.

use campanile_core::{
    channel::{Channel, ChannelKind},
    port::ConnectionId,
};
use campanile_pusher::{Access, Kind, SocketId};

use crate::apps::App;

/// The kind of channel that the core knows for what a name says.
pub(super) fn kind(kind: Kind) -> ChannelKind {
    match kind.access {
        Access::Public => ChannelKind::Public,
        Access::Private => ChannelKind::Private,
        Access::Encrypted => ChannelKind::Encrypted,
        Access::Presence => ChannelKind::Presence,
        Access::User => ChannelKind::Own,
    }
}

/// A channel of an application, and what kind it is.
pub(super) fn channel(app: &App, name: &str) -> (Channel, ChannelKind) {
    (Channel::new(&app.id, name), kind(Kind::of(name)))
}

/// What a connection is called: both halves of its number.
pub(crate) fn socket_id(connection: ConnectionId) -> SocketId {
    SocketId::new(connection.0 >> 32, connection.0 & u64::from(u32::MAX))
}

/// Which connection is called so, if there can be one.
pub(super) fn connection(socket_id: SocketId) -> Option<ConnectionId> {
    let half = |number| u32::try_from(number).ok().map(u64::from);
    Some(ConnectionId(half(socket_id.high())? << 32 | half(socket_id.low())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_one_name() {
        for number in [0, 1, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let id = ConnectionId(number);
            assert_eq!(connection(socket_id(id)), Some(id));
        }
        assert_eq!(connection(SocketId::new(1 << 32, 0)), None);
    }
}
