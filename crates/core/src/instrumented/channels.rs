//! The channel store, measured.

use super::{Instrumented, StoreCall};
use crate::{
    channel::{AppId, Channel, Edition, Published},
    port::{ChannelChange, ChannelCount, ChannelSeen, ChannelStore, ConnectionId, Entrant, Fault},
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
impl ChannelStore for Instrumented<dyn ChannelStore> {
    async fn subscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
    ) -> Result<ChannelChange, Fault> {
        let subscribed = self.inner.subscribe(channel, connection, entrant);
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

    async fn keep(
        &self,
        channel: &Channel,
        published: &Published,
        until: Timestamp,
    ) -> Result<Edition, Fault> {
        let kept = self.inner.keep(channel, published, until);
        self.gauge.count(StoreCall::ChannelsPut, kept).await
    }

    async fn reconcile(&self) -> Result<Vec<(Channel, ChannelChange)>, Fault> {
        self.gauge.count(StoreCall::ChannelsScan, self.inner.reconcile()).await
    }
}
