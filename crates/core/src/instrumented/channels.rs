//! The channel store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    channel::{AppId, Channel, ChannelMember, Kept},
    port::{ChannelChange, ChannelCount, ChannelSeen, ChannelStore, ConnectionId, Fault},
};
use async_trait::async_trait;

#[async_trait]
impl ChannelStore for Instrumented<dyn ChannelStore> {
    async fn subscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
        member: Option<&ChannelMember>,
    ) -> Result<ChannelChange, Fault> {
        let subscribed = self.inner.subscribe(channel, connection, member);
        self.gauge.count(StoreCall::ChannelsPut, subscribed).await
    }

    async fn unsubscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
    ) -> Result<ChannelChange, Fault> {
        let unsubscribed = self.inner.unsubscribe(channel, connection);
        self.gauge.count(StoreCall::ChannelsDelete, unsubscribed).await
    }

    async fn look(&self, channel: &Channel) -> Result<ChannelSeen, Fault> {
        self.gauge.count(StoreCall::ChannelsGet, self.inner.look(channel)).await
    }

    async fn occupied(&self, app: &AppId, prefix: &str) -> Result<Vec<ChannelCount>, Fault> {
        self.gauge.count(StoreCall::ChannelsQuery, self.inner.occupied(app, prefix)).await
    }

    async fn keep(&self, channel: &Channel, kept: &Kept) -> Result<(), Fault> {
        self.gauge.count(StoreCall::ChannelsPut, self.inner.keep(channel, kept)).await
    }

    async fn reconcile(&self) -> Result<Vec<(Channel, ChannelChange)>, Fault> {
        self.gauge.count(StoreCall::ChannelsScan, self.inner.reconcile()).await
    }
}
