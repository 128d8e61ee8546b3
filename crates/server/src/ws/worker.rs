//! What the connections of one worker thread share.

use super::{config::Config, lobby::Lobby, opening::Opening};
use crate::{http::Proxies, metrics::ConnectionMetrics};
use campanile_core::{chat::Chat, connection::Shard};
use std::sync::Arc;

/// A worker thread's side of the chat, given to its handlers as application data.
pub struct Worker {
    /// The chat.
    pub chat: Arc<Chat>,
    /// This worker's part of it.
    pub shard: Shard,
    /// The number of the native protocol's encoder in the shard.
    pub protocol: usize,
    /// What is counted about connections.
    pub metrics: Arc<ConnectionMetrics>,
    /// The node's count of connections.
    pub lobby: Arc<Lobby>,
    /// How connections are taken and kept.
    pub config: Config,
    /// Who is believed about clients' addresses.
    pub proxies: Proxies,
}

impl Worker {
    pub(super) fn opening(&self) -> Opening {
        Opening {
            outbox: self.shard.outbox(),
            // One more answer, at most half of the outbox, still fits beside it.
            unread_bytes_max: (self.chat.limits().outbox_bytes_max / 4).max(1),
            lobby: self.lobby.clone(),
            frames: self.config.frames,
            patience: self.config.patience,
            metrics: self.metrics.clone(),
            app: self.chat.metrics().native,
            clock: self.chat.ports().clock.clone(),
        }
    }
}
