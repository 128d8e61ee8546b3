//! Rooms.

use super::{MemberRecord, MemoryStore, RoomRecord};
use async_trait::async_trait;
use campanile_core::{
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    port::{CreateRoomError, Fault, NewRoom, RoomChange, RoomStore},
    room::{Role, Room, RoomKind},
};
use std::{collections::BTreeMap, ops::Bound};

#[async_trait]
impl RoomStore for MemoryStore {
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError> {
        let mut tables = self.lock();
        if tables.rooms.contains_key(&room.name) {
            return Err(CreateRoomError::Exists);
        }
        if !room
            .members
            .iter()
            .all(|member| tables.accounts.contains_key(member))
        {
            return Err(CreateRoomError::UnknownUser);
        }
        let role = match room.kind {
            RoomKind::Direct => Role::Member,
            RoomKind::Public | RoomKind::Private => Role::Owner,
        };
        let member = MemberRecord {
            role,
            joined_at: room.created_at,
            read_seq: Sequence(0),
        };
        let record = RoomRecord {
            kind: room.kind,
            topic: String::new(),
            epoch: Epoch(rand::random::<u64>() >> 1),
            created_at: room.created_at,
            last_seq: Sequence(0),
            members: room
                .members
                .into_iter()
                .map(|user| (user, member))
                .collect(),
            messages: BTreeMap::new(),
            keys: Default::default(),
        };
        let made = record.room(&room.name);
        tables.rooms.insert(room.name, record);
        Ok(made)
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        Ok(self.lock().rooms.get(name).map(|record| record.room(name)))
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        let tables = self.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rooms = tables.rooms.range::<RoomName, _>((from, Bound::Unbounded));
        let seen = rooms.filter(|(_, record)| {
            record.kind == RoomKind::Public || record.members.contains_key(viewer)
        });
        Ok(seen
            .take(limit)
            .map(|(name, record)| record.room(name))
            .collect())
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        let mut tables = self.lock();
        let Some(record) = tables.rooms.get_mut(name) else {
            return Ok(None);
        };
        match change {
            RoomChange::Topic(topic) => record.topic = topic,
        }
        Ok(Some(record.room(name)))
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        Ok(self.lock().rooms.remove(name).is_some())
    }
}
