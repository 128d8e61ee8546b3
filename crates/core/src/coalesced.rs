//! Decorators that ask the store once for what many ask at the same time: after an outage all
//! clients come back together, and want the same.

use crate::{
    chat::Ports,
    flights::Flights,
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, CreateRoomError, Fault, Head, History,
        HistoryError, MemberError, MemberStore, MessageStore, NewRoom, Page, PutMember, RoomChange,
        RoomStore,
    },
    room::{Member, Role, Room, RoomKind},
    time::Timestamp,
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// A page: of which room, which, how long.
type PageKey = (RoomName, Page, usize);

/// A list of members: of which room, after whom, how long.
type ListKey = (RoomName, Option<UserName>, usize);

struct Messages {
    inner: Arc<dyn MessageStore>,
    pages: Flights<PageKey, Result<Arc<History>, HistoryError>>,
}

struct Rooms {
    inner: Arc<dyn RoomStore>,
    found: Flights<RoomName, Result<Option<Room>, Fault>>,
}

struct Members {
    inner: Arc<dyn MemberStore>,
    lists: Flights<ListKey, Result<Vec<Member>, Fault>>,
}

impl Ports {
    /// The same ports, with equal readings of history, rooms and members made once.
    pub fn coalesced(self) -> Self {
        Self {
            messages: Arc::new(Messages { inner: self.messages, pages: Flights::new() }),
            rooms: Arc::new(Rooms { inner: self.rooms, found: Flights::new() }),
            members: Arc::new(Members { inner: self.members, lists: Flights::new() }),
            ..self
        }
    }
}

#[async_trait]
impl MessageStore for Messages {
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        self.inner.append(draft, now).await
    }

    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError> {
        let key = (room.clone(), page, limit);
        let read = async { self.inner.history(room, page, limit).await.map(Arc::new) };
        // Its messages are shared, so that a copy is a list of pointers.
        self.pages.ask(key, read).await.map(Arc::unwrap_or_clone)
    }

    async fn amend(
        &self,
        room: &RoomName,
        seq: Sequence,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError> {
        self.inner.amend(room, seq, by, amendment, now).await
    }

    async fn evict(
        &self,
        now: Timestamp,
        kept: Option<Duration>,
        limit: usize,
    ) -> Result<u64, Fault> {
        self.inner.evict(now, kept, limit).await
    }

    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Option<Head>>, Fault> {
        self.inner.heads(rooms).await
    }

    async fn size(&self) -> Result<Archive, Fault> {
        self.inner.size().await
    }
}

#[async_trait]
impl RoomStore for Rooms {
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError> {
        self.inner.create(room).await
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        self.found.ask(name.clone(), self.inner.find(name)).await
    }

    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault> {
        self.inner.kind(name).await
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        self.inner.list(viewer, after, limit).await
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        self.inner.change(name, change).await
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        self.inner.delete(name).await
    }
}

#[async_trait]
impl MemberStore for Members {
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError> {
        self.inner.put(room, user, put).await
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        self.inner.remove(room, user).await
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        self.inner.role(room, user).await
    }

    async fn roles(&self, of: &[(RoomName, UserName)]) -> Result<Vec<Option<Role>>, Fault> {
        self.inner.roles(of).await
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault> {
        let key = (room.clone(), after.cloned(), limit);
        self.lists.ask(key, self.inner.members(room, after, limit)).await
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        self.inner.rooms_of(user).await
    }
}
