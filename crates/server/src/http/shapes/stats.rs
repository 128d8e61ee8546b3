//! The numbers of one node, as operators read them.

use crate::{
    http::edge::Edge,
    readings::{Reading, Timed},
    ws::stamp,
};
use campanile_core::time::Timestamp;
use campanile_protocol::Stamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The numbers of one node.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Stats {
    #[schema(value_type = String, format = DateTime)]
    at: Stamp,
    /// The node that answers.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    node: String,
    /// Its name, which stays the same over restarts.
    name: String,
    uptime_seconds: f64,
    version: &'static str,
    connections: ConnectionStats,
    users_online: u64,
    messages: MessageStats,
    delivery: DeliveryStats,
    http: HttpStats,
    store: StoreStats,
    bus: BusStats,
    cache: CacheStats,
    cluster: ClusterStats,
    /// Left out where no log lines are shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    logs: Option<LogStats>,
    rooms_active: u64,
    memory_bytes: u64,
    cpu_seconds_total: f64,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionStats {
    active: u64,
    opened_total: u64,
    closed_total: u64,
    rejected_total: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MessageStats {
    received_total: u64,
    sent_total: u64,
    accepted_total: u64,
    rejected_total: u64,
    failed_total: u64,
}

/// How long messages took to their readers within the last minute; null where there were none.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeliveryStats {
    #[schema(required)]
    p50_seconds: Option<f64>,
    #[schema(required)]
    p99_seconds: Option<f64>,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HttpStats {
    requests_total: u64,
    /// Of which with a status from 500 on.
    errors_total: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StoreStats {
    up: bool,
    kind: &'static str,
    operations_total: u64,
    errors_total: u64,
    /// Messages that wait to be written.
    queue_messages: u64,
    pool: PoolStats,
}

/// Connections to the store.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PoolStats {
    used: u64,
    idle: u64,
    max: u64,
    /// Requests that wait for one.
    pending: u64,
    /// Requests that waited in vain.
    timeouts_total: u64,
    /// How long one was waited for within the last minute; null where none was needed.
    #[schema(required)]
    wait_p99_seconds: Option<f64>,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BusStats {
    up: bool,
    kind: &'static str,
    received_total: u64,
    published_total: u64,
    errors_total: u64,
    reconnects_total: u64,
    /// Signals known to be lost: what they said is then read from the store.
    dropped_total: u64,
    /// Signals that wait to be published.
    queue_messages: u64,
    /// How long signals of other nodes took within the last minute; null where there were none.
    #[schema(required)]
    lag_p50_seconds: Option<f64>,
    #[schema(required)]
    lag_p99_seconds: Option<f64>,
}

/// What is kept beside the store; all 0 where there is no cache.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CacheStats {
    hits_total: u64,
    misses_total: u64,
    used_bytes: u64,
    /// What it may use; 0 where that is not limited.
    max_bytes: u64,
    /// What was put out to make room, and not because its time was over.
    evictions_total: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClusterStats {
    /// Nodes that are alive, as was last seen while the bus was up.
    nodes: u64,
    /// Nodes that are configured, or were seen within the last hour and did not leave.
    nodes_expected: u64,
}

/// What becomes of log lines on their way to Loki.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogStats {
    /// Bytes of lines that wait.
    queue_bytes: u64,
    /// For how long the oldest of them has waited.
    oldest_seconds: f64,
    sent_total: u64,
    dropped_total: u64,
    /// When Loki last took some; null before it did.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_success_at: Option<Stamp>,
}

impl Stats {
    /// The numbers of this node in a reading.
    pub(in crate::http) fn read(edge: &Edge, reading: &Reading) -> Self {
        Self {
            at: stamp(edge.chat.clock().now()),
            node: edge.node.id.to_string(),
            name: edge.node.name.clone(),
            uptime_seconds: reading.sum("chat_uptime_seconds", &[]),
            version: env!("CARGO_PKG_VERSION"),
            connections: ConnectionStats::read(reading),
            users_online: reading.whole("chat_users_online", &[]),
            messages: MessageStats::read(reading),
            delivery: DeliveryStats {
                p50_seconds: edge.readings.quantile(reading, Timed::Delivery, 0.5),
                p99_seconds: edge.readings.quantile(reading, Timed::Delivery, 0.99),
            },
            http: HttpStats::read(reading),
            store: StoreStats::read(edge, reading),
            bus: BusStats::read(edge, reading),
            cache: CacheStats::read(reading),
            cluster: ClusterStats {
                nodes: reading.whole("chat_cluster_nodes", &[]),
                nodes_expected: reading.whole("chat_cluster_nodes_expected", &[]),
            },
            logs: LogStats::read(reading),
            rooms_active: reading.whole("chat_rooms_active", &[]),
            memory_bytes: reading.whole("process_resident_memory_bytes", &[]),
            cpu_seconds_total: reading.sum("process_cpu_seconds_total", &[]),
        }
    }
}

impl ConnectionStats {
    fn read(reading: &Reading) -> Self {
        Self {
            active: reading.whole("chat_connections_active", &[]),
            opened_total: reading.whole("chat_connections_opened_total", &[]),
            closed_total: reading.whole("chat_connections_closed_total", &[]),
            rejected_total: reading.whole("chat_connections_rejected_total", &[]),
        }
    }
}

impl MessageStats {
    fn read(reading: &Reading) -> Self {
        let processed =
            |result| reading.whole("chat_messages_processed_total", &[("result", result)]);
        Self {
            received_total: reading.whole("chat_messages_received_total", &[]),
            sent_total: reading.whole("chat_messages_sent_total", &[]),
            accepted_total: processed("accepted"),
            rejected_total: processed("rejected"),
            failed_total: processed("failed"),
        }
    }
}

impl HttpStats {
    fn read(reading: &Reading) -> Self {
        let failed = |labels: &[(String, String)]| {
            labels.iter().any(|(key, value)| key == "status" && value.starts_with('5'))
        };
        Self {
            requests_total: reading.whole("chat_http_requests_total", &[]),
            errors_total: reading.sum_where("chat_http_requests_total", failed) as u64,
        }
    }
}

impl StoreStats {
    fn read(edge: &Edge, reading: &Reading) -> Self {
        let (kind, connections) = (edge.node.store, "chat_storage_pool_connections");
        // The driver knows of a connection that broke before the next probe does.
        let is_away = reading.has("chat_storage_up", &[("backend", kind)], 0.0);
        Self {
            up: probed(reading, "storage") && !is_away,
            kind,
            operations_total: reading.whole("chat_storage_operations_total", &[]),
            errors_total: reading.whole("chat_storage_errors_total", &[]),
            queue_messages: reading.whole("chat_archive_write_queue_messages", &[]),
            pool: PoolStats {
                used: reading.whole(connections, &[("state", "used")]),
                idle: reading.whole(connections, &[("state", "idle")]),
                max: reading.whole("chat_storage_pool_connections_max", &[]),
                pending: reading.whole("chat_storage_pool_pending_requests", &[]),
                timeouts_total: reading.whole("chat_storage_pool_timeouts_total", &[]),
                wait_p99_seconds: edge.readings.quantile(reading, Timed::PoolWait, 0.99),
            },
        }
    }
}

impl BusStats {
    fn read(edge: &Edge, reading: &Reading) -> Self {
        let (kind, messages) = (edge.node.bus, "chat_broker_messages_total");
        let is_away = reading.has("chat_broker_up", &[("driver", kind)], 0.0);
        Self {
            up: probed(reading, "broker") && !is_away,
            kind,
            received_total: reading.whole(messages, &[("direction", "in")]),
            published_total: reading.whole(messages, &[("direction", "out")]),
            errors_total: reading.whole("chat_broker_errors_total", &[]),
            reconnects_total: reading.whole("chat_broker_reconnects_total", &[]),
            dropped_total: reading.whole("chat_broker_messages_dropped_total", &[]),
            queue_messages: reading.whole("chat_broker_queue_messages", &[]),
            lag_p50_seconds: edge.readings.quantile(reading, Timed::Bus, 0.5),
            lag_p99_seconds: edge.readings.quantile(reading, Timed::Bus, 0.99),
        }
    }
}

impl CacheStats {
    fn read(reading: &Reading) -> Self {
        Self {
            hits_total: reading.whole("chat_cache_hits_total", &[]),
            misses_total: reading.whole("chat_cache_misses_total", &[]),
            used_bytes: reading.whole("chat_cache_used_bytes", &[]),
            max_bytes: reading.whole("chat_cache_max_bytes", &[]),
            evictions_total: reading.whole("chat_cache_evictions_total", &[("reason", "size")]),
        }
    }
}

impl LogStats {
    fn read(reading: &Reading) -> Option<Self> {
        const LAST_SUCCESS: &str = "chat_log_shipper_last_success_timestamp_seconds";
        let is_there = reading.samples().iter().any(|sample| sample.name == LAST_SUCCESS);
        let last_success = reading.sum(LAST_SUCCESS, &[]);
        let at = || stamp(Timestamp((last_success * 1_000.0) as i64));
        is_there.then(|| Self {
            queue_bytes: reading.whole("chat_log_shipper_buffer_bytes", &[]),
            oldest_seconds: reading.sum("chat_log_shipper_oldest_entry_age_seconds", &[]),
            sent_total: reading.whole("chat_log_shipper_entries_sent_total", &[]),
            dropped_total: reading.whole("chat_log_shipper_entries_dropped_total", &[]),
            last_success_at: (last_success > 0.0).then(at),
        })
    }
}

/// Whether a neighbour answered when it was last probed.
fn probed(reading: &Reading, probe: &str) -> bool {
    reading.has("chat_health_probe_success", &[("probe", probe)], 1.0)
}
