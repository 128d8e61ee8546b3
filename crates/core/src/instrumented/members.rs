//! The member store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::{RoomName, UserName},
    port::{Fault, MemberError, MemberStore, PutMember},
    room::{Member, Role, Room},
};
use async_trait::async_trait;

#[async_trait]
impl MemberStore for Instrumented<dyn MemberStore> {
    async fn put(
        &self,
        room: &RoomName,
        user: &UserName,
        put: PutMember,
    ) -> Result<Member, MemberError> {
        self.gauge.count(StoreCall::MembersPut, self.inner.put(room, user, put)).await
    }

    async fn remove(&self, room: &RoomName, user: &UserName) -> Result<(), MemberError> {
        self.gauge.count(StoreCall::MembersDelete, self.inner.remove(room, user)).await
    }

    async fn role(&self, room: &RoomName, user: &UserName) -> Result<Option<Role>, Fault> {
        self.gauge.count(StoreCall::MembersGet, self.inner.role(room, user)).await
    }

    async fn roles(&self, of: &[(RoomName, UserName)]) -> Result<Vec<Option<Role>>, Fault> {
        self.gauge.count(StoreCall::MembersGet, self.inner.roles(of)).await
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&UserName>,
        limit: usize,
    ) -> Result<Vec<Member>, Fault> {
        self.gauge.count(StoreCall::MembersScan, self.inner.members(room, after, limit)).await
    }

    async fn rooms_of(&self, user: &UserName) -> Result<Vec<(Room, Member)>, Fault> {
        self.gauge.count(StoreCall::MembersScan, self.inner.rooms_of(user)).await
    }
}
