//! Members and their read receipts.

use super::{MemberRecord, MemoryStore, RoomRecord, Tables};
use async_trait::async_trait;
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{Fault, Marked, MemberError, MemberStore, PutMember, ReceiptStore},
    room::{Member, Role, Room, RoomKind},
};
use std::ops::Bound;

#[async_trait]
impl MemberStore for MemoryStore {
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError> {
        let mut tables = self.lock();
        let known_user = tables.accounts.contains_key(user);
        let record = tables.rooms.get_mut(room).ok_or(MemberError::UnknownRoom)?;
        if !known_user {
            return Err(MemberError::UnknownUser);
        }
        match record.members.get(user).copied() {
            Some(known) => {
                let role = put.role.unwrap_or(known.role);
                if role != Role::Owner && record.is_last_owner(user) && record.members.len() > 1 {
                    return Err(MemberError::LastOwner);
                }
                record
                    .members
                    .insert(user.clone(), MemberRecord { role, ..known });
            }
            None if record.members.len() >= put.members_max => return Err(MemberError::Full),
            None => {
                let role = put.role.unwrap_or(Role::Member);
                let new = MemberRecord {
                    role,
                    joined_at: put.at,
                    read_seq: Sequence(0),
                };
                record.members.insert(user.clone(), new);
            }
        }
        let record = record.members[user];
        Ok(tables.member(user, record))
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        let mut tables = self.lock();
        let record = tables.rooms.get_mut(room).ok_or(MemberError::UnknownRoom)?;
        if !record.members.contains_key(user) {
            return Err(MemberError::NotMember);
        }
        if record.is_last_owner(user) && record.members.len() > 1 {
            return Err(MemberError::LastOwner);
        }
        record.members.remove(user);
        Ok(())
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        let tables = self.lock();
        let member = tables
            .rooms
            .get(room)
            .and_then(|record| record.members.get(user));
        Ok(member.map(|member| member.role))
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault> {
        let tables = self.lock();
        let Some(record) = tables.rooms.get(room) else {
            return Ok(Vec::new());
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = record
            .members
            .range::<UserName, _>((from, Bound::Unbounded));
        Ok(members
            .take(limit)
            .map(|(user, member)| tables.member(user, *member))
            .collect())
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        let tables = self.lock();
        let rooms = tables.rooms.iter().filter_map(|(name, record)| {
            let member = record.members.get(user)?;
            Some((record.room(name), tables.member(user, *member)))
        });
        Ok(rooms.collect())
    }
}

#[async_trait]
impl ReceiptStore for MemoryStore {
    async fn mark(&self, room: &RoomName, user: &UserName, seq: Sequence) -> Result<Marked, Fault> {
        let mut tables = self.lock();
        let Some(record) = tables.rooms.get_mut(room) else {
            return Ok(Marked::NotMember);
        };
        let last_seq = record.last_seq;
        let Some(member) = record.members.get_mut(user) else {
            return Ok(Marked::NotMember);
        };
        let read = seq.min(last_seq);
        if read <= member.read_seq {
            return Ok(Marked::Stayed);
        }
        member.read_seq = read;
        Ok(Marked::Moved(read))
    }

    async fn receipts(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Vec<(UserName, Sequence)>, Fault> {
        let tables = self.lock();
        let Some(record) = tables.rooms.get(room) else {
            return Ok(Vec::new());
        };
        let read = record
            .members
            .iter()
            .filter(|(_, member)| member.read_seq > Sequence(0));
        Ok(read
            .take(limit)
            .map(|(user, member)| (user.clone(), member.read_seq))
            .collect())
    }
}

impl Tables {
    fn member(&self, user: &UserName, record: MemberRecord) -> Member {
        Member {
            user: user.clone(),
            role: record.role,
            joined_at: record.joined_at,
            read_seq: record.read_seq,
            last_seen: self
                .accounts
                .get(user)
                .and_then(|account| account.last_seen),
        }
    }
}

impl RoomRecord {
    /// Whether the room would be without an owner if this member were none. Direct rooms have
    /// none from the start.
    fn is_last_owner(&self, user: &UserName) -> bool {
        let owner = |member: &MemberRecord| member.role == Role::Owner;
        self.kind != RoomKind::Direct
            && self.members.get(user).is_some_and(owner)
            && self.members.values().filter(|member| owner(member)).count() == 1
    }
}
