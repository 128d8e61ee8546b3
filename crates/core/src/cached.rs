//! Decorators that ask the cache before the store, and keep it true: whoever changes a record
//! forgets its copy, on behalf of all nodes.
//!
//! The cache is never the record. One that does not answer is passed over; a change whose copy
//! could not be forgotten is noticed by others when the copy's time is over.

use crate::{
    chat::Ports,
    name::{RoomName, UserName},
    port::{
        Cache, CacheKey, Cached, CreateRoomError, Fault, MemberError, MemberStore, NewRoom,
        PutMember, RoomChange, RoomStore, SessionStore,
    },
    room::{Member, Role, Room, RoomKind},
    time::Timestamp,
    user::{Session, TokenHash},
};
use async_trait::async_trait;
use std::sync::Arc;

/// Members that are read in one go.
const MEMBERS_AT_ONCE: usize = 1_000;

/// A store with a cache before it.
struct Behind<P: ?Sized> {
    inner: Arc<P>,
    cache: Arc<dyn Cache>,
}

impl Ports {
    /// The same ports, with sessions, rooms' kinds and roles kept in a cache.
    pub fn cached(self, cache: &Arc<dyn Cache>) -> Self {
        Self {
            sessions: Arc::new(Behind { inner: self.sessions, cache: cache.clone() }),
            rooms: Arc::new(Rooms {
                rooms: Behind { inner: self.rooms, cache: cache.clone() },
                members: self.members.clone(),
            }),
            members: Arc::new(Behind { inner: self.members, cache: cache.clone() }),
            ..self
        }
    }
}

/// The rooms, with their members, whose copies go with a room.
struct Rooms {
    rooms: Behind<dyn RoomStore>,
    members: Arc<dyn MemberStore>,
}

impl<P: ?Sized> Behind<P> {
    async fn get(&self, key: &CacheKey) -> Option<Cached> {
        self.cache.get(key).await.unwrap_or_default()
    }

    async fn keep(&self, key: &CacheKey, value: Cached) {
        let _counted = self.cache.put(key, &value).await;
    }

    async fn forget(&self, keys: &[CacheKey]) {
        if !keys.is_empty() {
            let _counted = self.cache.forget(keys).await;
        }
    }
}

#[async_trait]
impl SessionStore for Behind<dyn SessionStore> {
    async fn open(&self, session: Session) -> Result<(), Fault> {
        self.inner.open(session).await
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault> {
        let key = CacheKey::Session(token);
        if let Some(Cached::Session(session)) = self.get(&key).await {
            return Ok(Some(session).filter(|session| session.expires_at > now));
        }
        let found = self.inner.find(token, now).await?;
        // What operators may do must not outlast their being operators.
        if let Some(session) = found.as_ref().filter(|session| !session.operator) {
            self.keep(&key, Cached::Session(session.clone())).await;
        }
        Ok(found)
    }

    async fn end(&self, token: TokenHash) -> Result<bool, Fault> {
        let ended = self.inner.end(token).await;
        self.forget(&[CacheKey::Session(token)]).await;
        ended
    }

    async fn end_all(&self, user: &UserName) -> Result<Vec<TokenHash>, Fault> {
        let ended = self.inner.end_all(user).await?;
        let keys: Vec<_> = ended.iter().copied().map(CacheKey::Session).collect();
        self.forget(&keys).await;
        Ok(ended)
    }

    async fn ended(&self, tokens: &[TokenHash], now: Timestamp) -> Result<Vec<bool>, Fault> {
        self.inner.ended(tokens, now).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        self.inner.purge(now).await
    }
}

#[async_trait]
impl RoomStore for Rooms {
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError> {
        self.rooms.inner.create(room).await
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        self.rooms.inner.find(name).await
    }

    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault> {
        let key = CacheKey::Room(name.clone());
        if let Some(Cached::Room(kind)) = self.rooms.get(&key).await {
            return Ok(Some(kind));
        }
        let found = self.rooms.inner.kind(name).await?;
        if let Some(kind) = found {
            self.rooms.keep(&key, Cached::Room(kind)).await;
        }
        Ok(found)
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        self.rooms.inner.list(viewer, after, limit).await
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        self.rooms.inner.change(name, change).await
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        // A later room of this name must not inherit the roles.
        let keys = self.keys_of(name).await?;
        let deleted = self.rooms.inner.delete(name).await;
        self.rooms.forget(&keys).await;
        deleted
    }
}

impl Rooms {
    /// Everything that is kept of a room. Who joins after this was read is not kept yet when the
    /// room goes.
    async fn keys_of(&self, name: &RoomName) -> Result<Vec<CacheKey>, Fault> {
        let mut keys = vec![CacheKey::Room(name.clone())];
        let mut last = None;
        loop {
            let members = self.members.members(name, last.as_ref(), MEMBERS_AT_ONCE).await?;
            let users = members.iter().map(|member| member.user.clone());
            keys.extend(users.map(|user| CacheKey::Role(name.clone(), user)));
            match members.into_iter().nth(MEMBERS_AT_ONCE - 1) {
                Some(member) => last = Some(member.user),
                None => return Ok(keys),
            }
        }
    }
}

#[async_trait]
impl MemberStore for Behind<dyn MemberStore> {
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError> {
        let member = self.inner.put(room, user, put).await;
        self.forget(&[CacheKey::Role(room.clone(), user.clone())]).await;
        member
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        let removed = self.inner.remove(room, user).await;
        self.forget(&[CacheKey::Role(room.clone(), user.clone())]).await;
        removed
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        let key = CacheKey::Role(room.clone(), user.clone());
        if let Some(Cached::Role(role)) = self.get(&key).await {
            return Ok(Some(role));
        }
        let found = self.inner.role(room, user).await?;
        if let Some(role) = found {
            self.keep(&key, Cached::Role(role)).await;
        }
        Ok(found)
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
        self.inner.members(room, after, limit).await
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        self.inner.rooms_of(user).await
    }
}
