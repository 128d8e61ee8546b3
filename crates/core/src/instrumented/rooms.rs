//! The room store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    name::{RoomName, UserName},
    port::{CreateRoomError, Fault, NewRoom, RoomChange, RoomStore},
    room::{Room, RoomKind},
};
use async_trait::async_trait;

#[async_trait]
impl RoomStore for Instrumented<dyn RoomStore> {
    async fn create(&self, room: NewRoom) -> Result<Room, CreateRoomError> {
        self.gauge.count(StoreCall::RoomsPut, self.inner.create(room)).await
    }

    async fn find(&self, name: &RoomName) -> Result<Option<Room>, Fault> {
        self.gauge.count(StoreCall::RoomsGet, self.inner.find(name)).await
    }

    async fn kind(&self, name: &RoomName) -> Result<Option<RoomKind>, Fault> {
        self.gauge.count(StoreCall::RoomsGet, self.inner.kind(name)).await
    }

    async fn list(
        &self,
        viewer: &UserName,
        after: Option<&RoomName>,
        limit: usize,
    ) -> Result<Vec<Room>, Fault> {
        self.gauge.count(StoreCall::RoomsScan, self.inner.list(viewer, after, limit)).await
    }

    async fn change(&self, name: &RoomName, change: RoomChange) -> Result<Option<Room>, Fault> {
        self.gauge.count(StoreCall::RoomsPut, self.inner.change(name, change)).await
    }

    async fn delete(&self, name: &RoomName) -> Result<bool, Fault> {
        self.gauge.count(StoreCall::RoomsDelete, self.inner.delete(name)).await
    }
}
