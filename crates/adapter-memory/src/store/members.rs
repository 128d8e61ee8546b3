//! Members in memory.

use super::{MemberRecord, MemoryStore, RoomRecord};
use async_trait::async_trait;
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{Fault, MemberError, MemberStore, PutMember},
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
        let mut state = self.state();
        let known_user = state.accounts.contains_key(user);
        let record = state.rooms.get_mut(room).ok_or(MemberError::UnknownRoom)?;
        if !known_user {
            return Err(MemberError::UnknownUser);
        }
        let known = record.members.get(user).copied();
        if known.is_none() && record.members.len() >= put.members_max {
            return Err(MemberError::Full);
        }
        let fallback = match known {
            Some(known) => known.role,
            None if record.members.is_empty() && record.kind != RoomKind::Direct => Role::Owner,
            None => Role::Member,
        };
        let role = put.role.unwrap_or(fallback);
        if role == Role::Member && !record.owned_without(user) {
            return Err(MemberError::LastOwner);
        }
        let member = MemberRecord {
            role,
            joined_at: known.map_or(put.at, |known| known.joined_at),
            read_seq: known.map_or(Sequence(0), |known| known.read_seq),
        };
        record.members.insert(user.clone(), member);
        Ok(state.member(user, &member))
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        let mut state = self.state();
        let record = state.rooms.get_mut(room).ok_or(MemberError::UnknownRoom)?;
        if !record.members.contains_key(user) {
            return Err(MemberError::NotMember);
        }
        if record.members.len() > 1 && !record.owned_without(user) {
            return Err(MemberError::LastOwner);
        }
        record.members.remove(user);
        Ok(())
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        let state = self.state();
        let member = state.rooms.get(room).and_then(|record| record.members.get(user));
        Ok(member.map(|member| member.role))
    }

    async fn roles(&self, of: &[(RoomName, UserName)]) -> Result<Vec<Option<Role>>, Fault> {
        let mut roles = Vec::with_capacity(of.len());
        for (room, user) in of {
            roles.push(self.role(room, user).await?);
        }
        Ok(roles)
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let Some(record) = state.rooms.get(room) else {
            return Ok(Vec::new());
        };
        let members = record
            .members
            .range::<UserName, _>((after, Bound::Unbounded))
            .take(limit)
            .map(|(user, member)| state.member(user, member));
        Ok(members.collect())
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        let state = self.state();
        let rooms = state.rooms.iter().filter_map(|(name, record)| {
            let member = record.members.get(user)?;
            Some((record.room(name), state.member(user, member)))
        });
        Ok(rooms.collect())
    }
}

impl RoomRecord {
    /// Whether the room would still have an owner, or needs none, were this user not its owner.
    fn owned_without(&self, user: &UserName) -> bool {
        let other_owner = |(other, member): (&UserName, &MemberRecord)| {
            other != user && member.role == Role::Owner
        };
        self.kind == RoomKind::Direct || self.members.iter().any(other_owner)
    }
}
