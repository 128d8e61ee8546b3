//! What every request may need.

use super::{address::Proxies, watchers::Watchers};
use crate::{
    apps::Apps, config::Registration, health::Health, metrics::EdgeMetrics, password::Passwords,
    readings::Readings,
};
use campanile_adapter_webhook::Allowed;
use campanile_core::{chat::Chat, port::NodeId, time::Timestamp};
use std::{sync::Arc, time::Duration};

/// What every request may need; shared by all worker threads.
pub struct Edge {
    /// The chat.
    pub chat: Arc<Chat>,
    /// The applications.
    pub apps: Arc<Apps>,
    /// Passwords.
    pub passwords: Passwords,
    /// What is counted.
    pub metrics: EdgeMetrics,
    /// Whether the neighbours answer.
    pub health: Arc<Health>,
    /// The numbers that monitoring sees.
    pub readings: Arc<Readings>,
    /// Who may look at them while the store is away.
    pub watchers: Watchers,
    /// This node.
    pub node: Node,
    /// How people are let in.
    pub settings: EdgeSettings,
}

/// This node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its identity.
    pub id: NodeId,
    /// Its name, which stays the same over restarts.
    pub name: String,
    /// Since when it runs.
    pub since: Timestamp,
    /// What its store is.
    pub store: &'static str,
    /// What its bus is.
    pub bus: &'static str,
}

/// How people are let in.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Who may make an account.
    pub registration: Registration,
    /// How long a log-in lasts.
    pub token_lifetime: Duration,
    /// Who is believed about clients' addresses.
    pub proxies: Proxies,
    /// Who may be told something over HTTP.
    pub webhooks_allowed: Allowed,
    /// Bytes that the headers of a request may have.
    pub header_bytes_max: usize,
}
