//! What the ports of one node share: the connections, and the tasks that keep them.

use crate::{
    bus::{Ear, Voices},
    cache::CacheState,
    channels::ChannelsState,
    health::Health,
    link::Link,
    metrics::{Call, RedisMetrics},
    nodes::Roster,
    presence::PresenceState,
    trouble::Trouble,
};
use campanile_core::{
    instrumented::{self, StorageMetrics},
    port::Clock,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::{AbortHandle, JoinSet};

/// What the ports of one node share. Everything ends when the last of them is dropped.
pub(crate) struct Core {
    pub(crate) link: Arc<Link>,
    pub(crate) roster: Arc<Roster>,
    pub(crate) voices: Voices,
    pub(crate) ear: Arc<Ear>,
    pub(crate) health: Arc<Health>,
    pub(crate) presence: PresenceState,
    pub(crate) channels: ChannelsState,
    pub(crate) cache: Arc<CacheState>,
    pub(crate) metrics: RedisMetrics,
    pub(crate) storage: StorageMetrics,
    pub(crate) backend: instrumented::Backend,
    pub(crate) prefix: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl Core {
    /// Notes that this node may leave users and subscriptions behind, so that others look for them.
    pub(crate) async fn announce(&self, call: Call) -> Result<(), Trouble> {
        let own = self.roster.own().to_string();
        let add = |key| redis::cmd("SADD").arg(key).arg(&own).take();
        let keys = [self.presence_nodes_key(), self.channel_nodes_key()];
        self.link.each::<u64>(call, keys.map(add).into()).await.map(drop)
    }

    /// The nodes that say something of users.
    pub(crate) fn presence_nodes_key(&self) -> String {
        format!("{}presence:nodes", self.prefix)
    }

    /// The nodes that say something of channels.
    pub(crate) fn channel_nodes_key(&self) -> String {
        format!("{}channels:nodes", self.prefix)
    }
}

/// Tasks that end with their owner.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(task)
    }

    /// Stops them all, and waits until they have.
    pub(crate) async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}
