//! A connection: an authenticated user with an outbox, listening to rooms.

use super::Shard;
use crate::{
    chat::{AccessError, Departure, EnterError},
    fanout::{Outbox, Seat},
    labels::{JoinRefusal, PresenceType, Transport, UnsubscribeReason},
    message::{Epoch, Message, Sequence},
    name::{RoomName, UserName},
    port::{ConnectionId, Fault, History},
    room::{Member, Room},
    user::{Status, TokenHash},
};
use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
};

/// Who connects, and how.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The connection's identity.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserName,
    /// The session it was authenticated with.
    pub token: TokenHash,
    /// The number of its protocol's encoder.
    pub protocol: usize,
    /// How it is connected.
    pub transport: Transport,
    /// The client's address.
    pub address: IpAddr,
}

/// An open connection. Dropping it takes it out of every room, and tells others when its user has
/// gone.
pub struct Connection {
    shard: Shard,
    seat: Rc<Seat>,
}

/// Why a connection was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The user has as many connections as one may have.
    #[error("the user has too many connections")]
    TooMany,
    /// The presence store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a connection may not listen to a room.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The user may not enter.
    #[error(transparent)]
    Enter(#[from] EnterError),
    /// The connection listens to as many rooms as it may.
    #[error("the connection listens to too many rooms")]
    TooManyRooms,
}

/// A join whose answer is being made. Until it is released, what happens in the room is held back.
pub struct Joining {
    shard: Shard,
    seat: Rc<Seat>,
    history: History,
    /// The room.
    pub room: Room,
    /// What the client missed, in order.
    pub messages: Vec<Arc<Message>>,
    /// The client missed more than is replayed, or another history: it must read the room again.
    pub truncated: bool,
    /// Members, as many as are listed at once, with whether they are there.
    pub members: Vec<(Member, Status)>,
}

impl Shard {
    /// Takes an authenticated connection, into `outbox`, and tells its user's rooms when the user
    /// was not there before.
    pub async fn connect(
        &self,
        greeting: Greeting,
        outbox: Rc<Outbox>,
    ) -> Result<Connection, Refused> {
        let chat = self.chat();
        let connections_max = chat.limits().connections_per_user_max;
        if !chat.directory().arrive(&greeting.user, connections_max) {
            return Err(Refused::TooMany);
        }
        let seat = Rc::new(Seat {
            id: greeting.connection,
            user: greeting.user,
            token: greeting.token,
            protocol: greeting.protocol,
            transport: greeting.transport,
            address: greeting.address,
            since: chat.clock().now(),
            outbox,
            rooms: RefCell::default(),
            stamp: Cell::new(0),
        });
        self.hub().seat(&seat);
        let connection = Connection { shard: self.clone(), seat };
        // Nobody has said so: it follows from being connected.
        let (user, id) = (&connection.seat.user, connection.seat.id);
        self.chat().set_status((user, id), Status::Available, Vec::new()).await?;
        Ok(connection)
    }
}

impl Connection {
    /// Which connection this is.
    pub fn id(&self) -> ConnectionId {
        self.seat.id
    }

    /// Whose it is.
    pub fn user(&self) -> &UserName {
        &self.seat.user
    }

    /// Where its frames go.
    pub fn outbox(&self) -> &Rc<Outbox> {
        &self.seat.outbox
    }

    /// Enters a room, as a new member where the room is public, and listens to it from after what
    /// the answer tells: with `since`, all that was missed after it.
    pub async fn join(
        &self,
        name: &RoomName,
        since: Option<(Epoch, Sequence)>,
    ) -> Result<Joining, JoinError> {
        let chat = self.shard.chat();
        let rooms_max = chat.limits().rooms_per_connection_max;
        let listens = self.seat.rooms.borrow().contains_key(name);
        if !listens && self.seat.rooms.borrow().len() >= rooms_max {
            chat.count_join_failure(None, JoinRefusal::Full);
            return Err(JoinError::TooManyRooms);
        }
        let room = chat.enter(&self.seat.user, name).await?;
        // Listening begins before reading, so that no message falls between the two.
        let new = self.shard.hub().hold((name, room.kind), &self.seat);
        match chat.catch_up(&room, since).await {
            Ok(caught_up) => {
                if new {
                    chat.greet(&self.seat.user, name, room.kind).await;
                }
                Ok(Joining {
                    shard: self.shard.clone(),
                    seat: self.seat.clone(),
                    history: caught_up.history,
                    room,
                    messages: caught_up.messages,
                    truncated: caught_up.truncated,
                    members: caught_up.members,
                })
            }
            Err(error) => {
                let reason = UnsubscribeReason::Server;
                self.shard.hub().unsubscribe(name, &self.seat, reason);
                Err(JoinError::Enter(error))
            }
        }
    }

    /// Listens to a room no longer; whether it did.
    pub fn leave(&self, room: &RoomName) -> bool {
        self.shard.hub().unsubscribe(room, &self.seat, UnsubscribeReason::Client)
    }

    /// Tells a room that the user writes, or stopped. Where this connection listens the store is
    /// not asked: it listens only as long as the user is a member.
    pub async fn typing(&self, room: &RoomName, on: bool) -> Result<(), AccessError> {
        let (chat, user) = (self.shard.chat(), &self.seat.user);
        let listens = self.seat.rooms.borrow().contains_key(room);
        match self.shard.hub().kind(room).filter(|_| listens) {
            Some(kind) => {
                chat.tell_typing(user, (room, kind), on).await;
                Ok(())
            }
            None => chat.typing(user, room, on).await,
        }
    }

    /// Says whether the user is there, as this connection sees it.
    pub async fn set_status(&self, status: Status) -> Result<(), Fault> {
        let rooms = self.seat.rooms.borrow().keys().cloned().collect();
        let chat = self.shard.chat();
        chat.metrics().presence.updates_received.increment(PresenceType::from(status));
        chat.set_status((&self.seat.user, self.seat.id), status, rooms).await
    }
}

impl Joining {
    /// The room's history the answer belongs to.
    pub fn epoch(&self) -> Epoch {
        self.history.epoch
    }

    /// The room's last message at the time of the answer; live messages begin after it.
    pub fn last_seq(&self) -> Sequence {
        self.history.last_seq
    }

    /// The answer is in the outbox: what happened since follows it.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.shard.hub().release(&self.room.name, &self.seat, &self.history);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.seat.outbox.give_up();
        let rooms = self.shard.hub().unseat(&self.seat);
        let (user, connection) = (self.seat.user.clone(), self.seat.id);
        self.shard.chat().directory().depart(&user);
        self.shard.depart(Departure { user, connection, rooms });
    }
}
