//! Rooms in memory.

use super::{MemberRecord, MemoryStore, RoomRecord};
use async_trait::async_trait;
use campanile_core::{
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    port::{CreateRoomError, Fault, NewRoom, RoomChange, RoomStore},
    room::{Role, Room, RoomKind},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Bound,
};

#[async_trait]
impl RoomStore for MemoryStore {
    async fn create(&self, new: NewRoom) -> Result<Room, CreateRoomError> {
        let mut state = self.state();
        if state.rooms.contains_key(&new.name) {
            return Err(CreateRoomError::Exists);
        }
        let known = |user| state.accounts.contains_key(user);
        if !new.members.iter().all(known) {
            return Err(CreateRoomError::UnknownUser);
        }
        let mut members = BTreeMap::new();
        for user in new.members {
            let owner = members.is_empty() && new.kind != RoomKind::Direct;
            members.entry(user).or_insert(MemberRecord {
                role: if owner { Role::Owner } else { Role::Member },
                joined_at: new.created_at,
                read_seq: Sequence(0),
            });
        }
        let record = RoomRecord {
            kind: new.kind,
            topic: String::new(),
            retention: None,
            epoch: Epoch(rand::random()),
            created_at: new.created_at,
            last_seq: 0,
            amended_at: None,
            members,
            messages: VecDeque::new(),
            keys: HashMap::new(),
        };
        let room = record.room(&new.name);
        state.rooms.insert(new.name, record);
        Ok(room)
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        let state = self.state();
        Ok(state.rooms.get(name).map(|record| record.room(name)))
    }

    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault> {
        Ok(self.state().rooms.get(name).map(|record| record.kind))
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let rooms = state
            .rooms
            .range::<RoomName, _>((after, Bound::Unbounded))
            .filter(|(_, record)| {
                record.kind == RoomKind::Public || record.members.contains_key(viewer)
            })
            .take(limit);
        Ok(rooms.map(|(name, record)| record.room(name)).collect())
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        let mut state = self.state();
        let Some(record) = state.rooms.get_mut(name) else {
            return Ok(None);
        };
        let RoomChange { topic, retention } = change;
        record.topic = topic.unwrap_or(std::mem::take(&mut record.topic));
        record.retention = retention.unwrap_or(record.retention);
        Ok(Some(record.room(name)))
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        Ok(self.state().rooms.remove(name).is_some())
    }
}
