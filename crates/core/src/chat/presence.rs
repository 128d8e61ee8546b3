//! Presence: who is there, and telling it.

use super::Chat;
use crate::{
    event::{Audience, Event, Signal},
    name::{RoomName, UserName},
    port::{ConnectionId, Fault},
    user::{Presence, Status},
};

/// A connection that has gone, and the rooms it listened to.
pub(crate) struct Departure {
    pub(crate) user: UserName,
    pub(crate) connection: ConnectionId,
    pub(crate) rooms: Vec<RoomName>,
}

impl Chat {
    /// Whether these users are there, in their order.
    pub async fn presences(&self, users: &[UserName]) -> Result<Vec<Presence>, Fault> {
        let statuses = self.ports.presence.statuses(users).await?;
        let mut presences = Vec::with_capacity(users.len());
        for (user, status) in users.iter().zip(statuses) {
            let last_seen = match status {
                Status::Unavailable => self.last_seen(user).await?,
                _ => None,
            };
            presences.push(Presence { user: user.clone(), status, last_seen });
        }
        Ok(presences)
    }

    /// Notes what a connection says of its user and tells the connection's rooms when that
    /// changed anything.
    pub(crate) async fn set_status(
        &self,
        (user, connection): (&UserName, ConnectionId),
        status: Status,
        rooms: Vec<RoomName>,
    ) -> Result<(), Fault> {
        let change = self.ports.presence.put(user, connection, status).await?;
        if change.before != change.after {
            let presence = Presence { user: user.clone(), status: change.after, last_seen: None };
            self.tell_presence(presence, rooms).await;
        }
        Ok(())
    }

    /// Notes that connections have gone, and tells their rooms of users who have gone with them.
    pub(crate) async fn departed(&self, departures: Vec<Departure>) {
        let now = self.clock().now();
        let seen: Vec<_> =
            departures.iter().map(|departure| (departure.user.clone(), now)).collect();
        // The time is a courtesy: a store that is away now is told of the next departure.
        let _counted = self.ports.accounts.touch(&seen).await;
        for Departure { user, connection, rooms } in departures {
            let Ok(change) = self.ports.presence.remove(&user, connection).await else {
                continue;
            };
            if change.before != change.after {
                let status = change.after;
                let last_seen = (status == Status::Unavailable).then_some(now);
                self.tell_presence(Presence { user, status, last_seen }, rooms).await;
            }
        }
    }

    /// Puts presence right after nodes have died or were cut off, and tells the rooms of the users
    /// whose status changed by it. Called every few seconds.
    pub async fn reconcile_presence(&self) -> Result<(), Fault> {
        for (user, status) in self.ports.presence.reconcile().await? {
            let rooms = self.ports.members.rooms_of(&user).await?;
            let rooms = rooms.into_iter().map(|(room, _)| room.name).collect();
            let last_seen = match status {
                Status::Unavailable => self.last_seen(&user).await?,
                _ => None,
            };
            self.tell_presence(Presence { user, status, last_seen }, rooms).await;
        }
        Ok(())
    }

    async fn tell_presence(&self, presence: Presence, rooms: Vec<RoomName>) {
        if !rooms.is_empty() {
            self.tell(Signal::Tell(Audience::Rooms(rooms), Event::Presence(presence))).await;
        }
    }

    async fn last_seen(&self, user: &UserName) -> Result<Option<crate::time::Timestamp>, Fault> {
        Ok(self.ports.accounts.find(user).await?.and_then(|account| account.last_seen))
    }
}
